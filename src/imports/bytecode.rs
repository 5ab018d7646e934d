//! What the bytecode around an import says: which names the statement stores, and what guards it.
//!
//! The layout of an import has been the same from 3.10 to 3.14, the numbers of the instructions have
//! not. `_plan_check.py` finds out at run time whether an interpreter behaves as written here.

/// The instructions that an import statement, a store and a deletion consist of.
#[derive(Clone, Copy, Debug)]
pub struct Opcodes {
    import_name: u8,
    import_from: u8,
    store_name: u8,
    store_global: u8,
    delete_name: u8,
    delete_global: u8,
    store_attr: u8,
    delete_attr: u8,
    store_subscr: u8,
    delete_subscr: u8,
    extended_arg: u8,
    pop_top: u8,
    nop: u8,
    /// `SWAP`, or `ROT_TWO` before there was one.
    swap: u8,
}

const V310: Opcodes = Opcodes {
    import_name: 108,
    import_from: 109,
    store_name: 90,
    store_global: 97,
    delete_name: 91,
    delete_global: 98,
    store_attr: 95,
    delete_attr: 96,
    store_subscr: 60,
    delete_subscr: 61,
    extended_arg: 144,
    pop_top: 1,
    nop: 9,
    swap: 2,
};
const V311: Opcodes = Opcodes { swap: 99, ..V310 };
const V313: Opcodes = Opcodes {
    import_name: 75,
    import_from: 74,
    store_name: 114,
    store_global: 113,
    delete_name: 67,
    delete_global: 66,
    store_attr: 108,
    delete_attr: 63,
    store_subscr: 39,
    delete_subscr: 9,
    extended_arg: 71,
    pop_top: 32,
    nop: 30,
    swap: 115,
};
const V314: Opcodes = Opcodes {
    import_name: 73,
    import_from: 72,
    store_name: 116,
    store_global: 115,
    delete_name: 65,
    delete_global: 64,
    store_attr: 110,
    delete_attr: 61,
    store_subscr: 38,
    delete_subscr: 8,
    extended_arg: 69,
    pop_top: 31,
    nop: 27,
    swap: 117,
};

impl Opcodes {
    /// Those of CPython 3.`minor`, if they are known.
    #[must_use]
    pub const fn of(minor: u8) -> Option<Self> {
        match minor {
            10 => Some(V310),
            11 | 12 => Some(V311),
            13 => Some(V313),
            14 => Some(V314),
            _ => None,
        }
    }
}

/// An import statement by what it stores. Numbers are places in the code's names.
#[derive(Debug, PartialEq, Eq)]
pub enum Statement {
    /// `import a`, `import a as x`, `import a.b`: what the import returns, under one name.
    Whole { store: usize },
    /// `import a.b.c as x`: what is reached by these attributes, under one name.
    Leaf { parts: Vec<usize>, store: usize },
    /// `from m import a, b as x`: attribute and name, in pairs.
    From { names: Vec<(usize, usize)> },
}

impl Statement {
    /// How many attributes it takes from what the import returned.
    #[must_use]
    pub fn takes(&self) -> usize {
        match self {
            Self::Whole { .. } => 0,
            Self::Leaf { parts, .. } => parts.len(),
            Self::From { names } => names.len(),
        }
    }
}

/// What an instruction does to a name; of an item it does not say which.
#[derive(Debug, PartialEq, Eq)]
pub enum Write {
    Store(usize),
    Delete(usize),
    StoreAttr(usize),
    DeleteAttr(usize),
    StoreItem,
    DeleteItem,
}

/// The statement whose `IMPORT_NAME` is at `offset`; `None` where there is none, or one of another form.
#[must_use]
pub fn statement_at(code: &[u8], offset: usize, ops: Opcodes) -> Option<Statement> {
    let offset = past_prefixes(code, offset, ops)?;
    if code[offset] != ops.import_name {
        return None;
    }
    let mut rest = Instructions { code, at: offset + 2, ops };
    let (op, arg) = rest.next()?;
    if ops.is_store(op) {
        return Some(Statement::Whole { store: arg });
    }
    if op != ops.import_from {
        return None;
    }
    let first = arg;
    let (op, arg) = rest.next()?;
    if op == ops.swap {
        return leaf(first, rest);
    }
    let mut names = Vec::new();
    let mut attribute = first;
    let (mut op, mut arg) = (op, arg);
    loop {
        if !ops.is_store(op) {
            return None;
        }
        names.push((attribute, arg));
        (op, arg) = rest.next()?;
        if op == ops.pop_top {
            // One attribute of a dotted name and one of a module look alike here: `from_list` tells.
            return Some(Statement::From { names });
        }
        if op != ops.import_from {
            return None;
        }
        attribute = arg;
        (op, arg) = rest.next()?;
    }
}

/// After `IMPORT_FROM b; SWAP`: `POP_TOP; IMPORT_FROM c; ... STORE x; POP_TOP`.
fn leaf(first: usize, mut rest: Instructions<'_>) -> Option<Statement> {
    let ops = rest.ops;
    let mut parts = vec![first];
    loop {
        if rest.next()?.0 != ops.pop_top {
            return None;
        }
        let (op, arg) = rest.next()?;
        if op != ops.import_from {
            return None;
        }
        parts.push(arg);
        let (op, arg) = rest.next()?;
        if ops.is_store(op) {
            return Some(Statement::Leaf { parts, store: arg });
        }
        if op != ops.swap {
            return None;
        }
    }
}

/// Where the instruction is: 3.10 gives the offset of its first prefix.
fn past_prefixes(code: &[u8], mut offset: usize, ops: Opcodes) -> Option<usize> {
    while *code.get(offset)? == ops.extended_arg {
        offset += 2;
    }
    Some(offset)
}

/// What the instruction at `offset` writes, if it does.
#[must_use]
pub fn write_at(code: &[u8], offset: usize, ops: Opcodes) -> Option<Write> {
    let offset = past_prefixes(code, offset, ops)?;
    let op = code[offset];
    let mut arg = usize::from(*code.get(offset + 1)?);
    let mut shift = 8;
    let mut at = offset;
    while at >= 2 && code[at - 2] == ops.extended_arg && shift < usize::BITS {
        at -= 2;
        arg |= usize::from(code[at + 1]) << shift;
        shift += 8;
    }
    Some(match op {
        op if ops.is_store(op) => Write::Store(arg),
        op if op == ops.delete_name || op == ops.delete_global => Write::Delete(arg),
        op if op == ops.store_attr => Write::StoreAttr(arg),
        op if op == ops.delete_attr => Write::DeleteAttr(arg),
        op if op == ops.store_subscr => Write::StoreItem,
        op if op == ops.delete_subscr => Write::DeleteItem,
        _ => return None,
    })
}

impl Opcodes {
    fn is_store(self, op: u8) -> bool {
        op == self.store_name || op == self.store_global
    }
}

struct Instructions<'a> {
    code: &'a [u8],
    at: usize,
    ops: Opcodes,
}

impl Iterator for Instructions<'_> {
    type Item = (u8, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let mut high = 0usize;
        loop {
            let op = *self.code.get(self.at)?;
            let arg = high | usize::from(*self.code.get(self.at + 1)?);
            self.at += 2;
            if op == self.ops.extended_arg {
                high = arg.checked_shl(8)?;
            } else if op != self.ops.nop {
                return Some((op, arg));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPS: Opcodes = V313;

    fn code(instructions: &[(u8, u8)]) -> Vec<u8> {
        instructions.iter().flat_map(|&(op, arg)| [op, arg]).collect()
    }

    #[test]
    fn one_name_is_a_whole_import() {
        let code = code(&[(OPS.import_name, 4), (OPS.store_name, 7)]);
        assert_eq!(statement_at(&code, 0, OPS), Some(Statement::Whole { store: 7 }));
    }

    #[test]
    fn a_large_place_is_read_through_its_prefixes() {
        let code = code(&[
            (OPS.import_name, 4),
            (OPS.extended_arg, 1),
            (OPS.extended_arg, 2),
            (OPS.store_name, 3),
        ]);
        assert_eq!(statement_at(&code, 0, OPS), Some(Statement::Whole { store: 0x1_0203 }));
        assert_eq!(write_at(&code, 6, OPS), Some(Write::Store(0x1_0203)));
        assert_eq!(write_at(&code, 2, OPS), Some(Write::Store(0x1_0203)), "from its first prefix");
    }

    #[test]
    fn several_names_are_read_in_pairs() {
        let code = code(&[
            (OPS.import_name, 0),
            (OPS.import_from, 1),
            (OPS.store_name, 2),
            (OPS.import_from, 3),
            (OPS.store_global, 3),
            (OPS.pop_top, 0),
        ]);
        let names = vec![(1, 2), (3, 3)];
        assert_eq!(statement_at(&code, 0, OPS), Some(Statement::From { names }));
    }

    #[test]
    fn a_dotted_name_with_an_alias_is_a_leaf() {
        let code = code(&[
            (OPS.import_name, 0),
            (OPS.import_from, 1),
            (OPS.swap, 2),
            (OPS.pop_top, 0),
            (OPS.import_from, 2),
            (OPS.swap, 2),
            (OPS.pop_top, 0),
            (OPS.import_from, 3),
            (OPS.store_name, 4),
            (OPS.pop_top, 0),
        ]);
        let expected = Statement::Leaf { parts: vec![1, 2, 3], store: 4 };
        assert_eq!(statement_at(&code, 0, OPS), Some(expected));
    }

    #[test]
    fn other_instructions_are_no_import() {
        let call = code(&[(OPS.pop_top, 0), (OPS.store_name, 1)]);
        assert_eq!(statement_at(&call, 0, OPS), None);
        let star = code(&[(OPS.import_name, 0), (OPS.pop_top, 0)]);
        assert_eq!(statement_at(&star, 0, OPS), None);
        assert_eq!(statement_at(&star, 2, OPS), None);
    }

    #[test]
    fn code_that_ends_early_is_no_import() {
        let whole = code(&[
            (OPS.import_name, 0),
            (OPS.import_from, 1),
            (OPS.swap, 2),
            (OPS.pop_top, 0),
            (OPS.import_from, 2),
            (OPS.store_name, 4),
        ]);
        for length in 0..whole.len() - 1 {
            assert_eq!(statement_at(&whole[..length], 0, OPS), None, "cut at {length}");
        }
    }

    #[test]
    fn a_deletion_is_told_from_a_store() {
        let code = code(&[(OPS.delete_name, 5), (OPS.delete_global, 6), (OPS.pop_top, 0)]);
        assert_eq!(write_at(&code, 0, OPS), Some(Write::Delete(5)));
        assert_eq!(write_at(&code, 2, OPS), Some(Write::Delete(6)));
        assert_eq!(write_at(&code, 4, OPS), None);
    }
}
