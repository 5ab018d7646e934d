//! Which parts of a code object run inside `try` or `with`: imports there test what is available,
//! and stay where they are.

use std::ops::Range;

/// Byte ranges of bytecode inside `try`, `except` and `with`, from the exception table that code has
/// since CPython 3.11 (its format: `Objects/exception_handling_notes.txt` there).
#[must_use]
pub fn from_table(table: &[u8]) -> Vec<Range<usize>> {
    let mut bytes = table.iter().copied();
    let mut number = || {
        let mut value = 0usize;
        loop {
            let byte = bytes.next()?;
            value = value.checked_shl(6)? | usize::from(byte & 0x3f);
            if byte & 0x40 == 0 {
                return Some(value);
            }
        }
    };
    let mut ranges = Vec::new();
    while let (Some(start), Some(length), Some(_target), Some(_depth)) =
        (number(), number(), number(), number())
    {
        ranges.push(start * 2..(start + length) * 2);
    }
    ranges
}

mod v310 {
    pub const POP_BLOCK: u8 = 87;
    pub const POP_EXCEPT: u8 = 89;
    pub const FOR_ITER: u8 = 93;
    pub const JUMP_FORWARD: u8 = 110;
    pub const JUMP_IF_FALSE_OR_POP: u8 = 111;
    pub const JUMP_IF_TRUE_OR_POP: u8 = 112;
    pub const JUMP_ABSOLUTE: u8 = 113;
    pub const POP_JUMP_IF_FALSE: u8 = 114;
    pub const POP_JUMP_IF_TRUE: u8 = 115;
    pub const RERAISE: u8 = 119;
    pub const JUMP_IF_NOT_EXC_MATCH: u8 = 121;
    pub const SETUP_FINALLY: u8 = 122;
    pub const RETURN_VALUE: u8 = 83;
    pub const RAISE_VARARGS: u8 = 130;
    pub const SETUP_WITH: u8 = 143;
    pub const EXTENDED_ARG: u8 = 144;
    pub const SETUP_ASYNC_WITH: u8 = 154;
}

/// The same for CPython 3.10, whose code pushes and pops blocks: how many are open is followed along
/// every path through the code.
#[must_use]
pub fn from_blocks(code: &[u8]) -> Vec<Range<usize>> {
    #[allow(clippy::wildcard_imports, reason = "names of instructions")]
    use v310::*;
    let length = code.len() / 2;
    let mut depths: Vec<Option<u32>> = vec![None; length];
    let mut paths = vec![(0usize, 0u32)];
    while let Some((mut at, mut depth)) = paths.pop() {
        let mut high = 0usize;
        while at < length && depths[at].is_none() {
            depths[at] = Some(depth);
            let op = code[at * 2];
            let arg = high | usize::from(code[at * 2 + 1]);
            high = if op == EXTENDED_ARG { arg << 8 } else { 0 };
            match op {
                SETUP_FINALLY | SETUP_WITH | SETUP_ASYNC_WITH => {
                    depth += 1;
                    // The handler runs in a block of its own.
                    paths.push((at + 1 + arg, depth));
                }
                POP_BLOCK | POP_EXCEPT => depth = depth.saturating_sub(1),
                FOR_ITER => paths.push((at + 1 + arg, depth)),
                JUMP_IF_FALSE_OR_POP
                | JUMP_IF_TRUE_OR_POP
                | POP_JUMP_IF_FALSE
                | POP_JUMP_IF_TRUE
                | JUMP_IF_NOT_EXC_MATCH => paths.push((arg, depth)),
                JUMP_FORWARD => {
                    at += 1 + arg;
                    continue;
                }
                JUMP_ABSOLUTE => {
                    at = arg;
                    continue;
                }
                RETURN_VALUE | RAISE_VARARGS | RERAISE => break,
                _ => {}
            }
            at += 1;
        }
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, depth) in depths.into_iter().enumerate() {
        if depth.is_none_or(|depth| depth == 0) {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if last.end == at * 2 => last.end += 2,
            _ => ranges.push(at * 2..at * 2 + 2),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_gives_its_ranges_in_bytes() {
        // Start 5, length 70 (two bytes), target 9, depth 2; the high bit starts an entry.
        let table = [0x80 | 5, 0x41, 6, 9, 2];
        assert_eq!(from_table(&table), vec![10..150]);
    }

    #[test]
    fn a_table_that_ends_early_gives_what_is_whole() {
        assert_eq!(from_table(&[0x80 | 1, 2, 3, 4, 0x80 | 9, 1]), vec![2..6]);
        assert!(from_table(&[]).is_empty());
    }

    #[test]
    fn the_body_and_the_handler_of_a_try_are_guarded_and_what_follows_is_not() {
        use v310::*;
        // try: NOP / except: NOP / NOP, as 3.10 compiles it.
        let code: Vec<u8> = [
            (SETUP_FINALLY, 3), // 0, the handler is at 4
            (9, 0),             // 2
            (POP_BLOCK, 0),     // 4
            (JUMP_FORWARD, 3),  // 6, to 14
            (1, 0),             // 8, handler
            (9, 0),             // 10
            (POP_EXCEPT, 0),    // 12
            (9, 0),             // 14
            (RETURN_VALUE, 0),  // 16
        ]
        .into_iter()
        .flat_map(|(op, arg)| [op, arg])
        .collect();
        assert_eq!(from_blocks(&code), vec![2..6, 8..14]);
    }

    #[test]
    fn a_jump_out_of_the_code_ends_the_path() {
        assert!(from_blocks(&[v310::JUMP_ABSOLUTE, 200]).is_empty());
        assert!(from_blocks(&[v310::FOR_ITER, 200, 9, 0]).is_empty());
    }
}
