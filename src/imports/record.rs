//! One import, and how it is written down: a line of JSON, so that a profile that is cut short is
//! good up to its last whole line.

use std::io::Write;

/// A part of an import that is timed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asking the finders where the module is.
    Find,
    /// Running the loader; what is left of it is the body of the module.
    Load,
    /// Getting the code object; what is left of it is checking the bytecode against its source.
    Code,
    Read,
    Unmarshal,
    Compile,
    /// Opening a shared library, its `PyInit` function included.
    Dlopen,
    /// Running the body of an extension module.
    Exec,
}

pub const STEPS: usize = 8;

/// The names of the steps, in the order of [`Step`], as what is left of each is reported.
const NAMES: [&str; STEPS] = [
    "find_ns",
    "body_ns",
    "check_ns",
    "read_ns",
    "unmarshal_ns",
    "compile_ns",
    "dlopen_ns",
    "exec_ns",
];

/// What a module was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Source,
    Bytecode,
    Extension,
    Builtin,
    Frozen,
    Namespace,
    /// A loader that is not the interpreter's own.
    Other,
    /// Nothing was loaded: when its turn came, another thread or its own package had done it.
    Shared,
    /// No module came of it.
    Failed,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Bytecode => "bytecode",
            Self::Extension => "extension",
            Self::Builtin => "builtin",
            Self::Frozen => "frozen",
            Self::Namespace => "namespace",
            Self::Other => "other",
            Self::Shared => "shared",
            Self::Failed => "failed",
        }
    }
}

/// Who asked for a module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asker {
    /// `__name__` of the code that asked.
    pub module: Option<String>,
    pub file: String,
    pub line: u32,
}

/// Counters of the process, or of the thread for the faults, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Resident set in bytes.
    pub resident: Option<i64>,
    /// Page faults that needed no disk, and those that did.
    pub faults: Option<(i64, i64)>,
}

/// What the loader was given: the fields of a module spec that say what a module is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec {
    pub origin: Option<String>,
    pub is_package: bool,
}

/// One import. Times are nanoseconds of the monotonic clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Counts up in the order in which imports began.
    pub id: u64,
    /// The import in whose course this one happened, on the same thread.
    pub parent: Option<u64>,
    pub name: String,
    pub is_reload: bool,
    pub depth: u32,
    /// The system's id of the thread.
    pub thread: u64,
    pub asker: Option<Asker>,
    pub start: u64,
    pub end: u64,
    /// Time in each step, without the imports and steps inside it.
    pub steps: [u64; STEPS],
    /// Imports inside this one, and the tracer's own work for them.
    pub nested: u64,
    pub spec: Option<Spec>,
    pub read_bytes: u64,
    pub before: Counters,
    pub after: Counters,
    /// Type and, where it is about imports, message of what was raised.
    pub error: Option<(String, Option<String>)>,
    /// A bit for each step that happened.
    pub(super) happened: u8,
}

impl Record {
    pub(super) fn note(&mut self, step: Step) {
        self.happened |= 1 << step as u8;
    }

    fn did(&self, step: Step) -> bool {
        self.happened & (1 << step as u8) != 0
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.error.is_some() {
            return Kind::Failed;
        }
        let Some(spec) = &self.spec else { return Kind::Shared };
        match spec.origin.as_deref() {
            _ if self.did(Step::Dlopen) => Kind::Extension,
            _ if self.did(Step::Compile) => Kind::Source,
            _ if self.did(Step::Unmarshal) => Kind::Bytecode,
            Some("built-in") => Kind::Builtin,
            Some("frozen") => Kind::Frozen,
            None if spec.is_package => Kind::Namespace,
            _ if self.did(Step::Exec) => Kind::Extension, // loaded before, run again
            _ => Kind::Other,
        }
    }

    /// Append the record as one line of JSON.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        let mut line = Line::new(out);
        line.count("id", self.id);
        line.optional("parent", self.parent.map(u64::cast_signed));
        line.text("name", Some(&self.name));
        line.text("kind", Some(self.kind().name()));
        line.raw("reload", if self.is_reload { "true" } else { "false" });
        line.count("depth", self.depth.into());
        line.count("thread", self.thread);
        let asker = self.asker.as_ref();
        line.text("asked_by", asker.and_then(|asker| asker.module.as_deref()));
        line.text("asked_file", asker.map(|asker| asker.file.as_str()));
        line.optional("asked_line", asker.map(|asker| asker.line.into()));
        line.text("origin", self.spec.as_ref().and_then(|spec| spec.origin.as_deref()));
        line.count("start_ns", self.start);
        line.count("end_ns", self.end);
        line.count("nested_ns", self.nested);
        for (name, nanos) in NAMES.iter().zip(self.steps) {
            line.count(name, nanos);
        }
        line.count("read_bytes", self.read_bytes);
        let grown = self.after.resident.zip(self.before.resident);
        line.optional("resident_bytes", grown.map(|(after, before)| after - before));
        let faults = self.after.faults.zip(self.before.faults);
        line.optional("minor_faults", faults.map(|(after, before)| after.0 - before.0));
        line.optional("major_faults", faults.map(|(after, before)| after.1 - before.1));
        line.text("error", self.error.as_ref().map(|(kind, _)| kind.as_str()));
        line.text("error_message", self.error.as_ref().and_then(|(_, message)| message.as_deref()));
        line.end();
    }
}

/// The state of the tracer, as one more line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Records that were not kept because there were too many.
    pub dropped: u64,
    /// What the tracer itself took, nanoseconds.
    pub own: u64,
    pub installed_at: u64,
}

impl Totals {
    pub fn write_line(self, out: &mut Vec<u8>) {
        let mut line = Line::new(out);
        line.count("dropped", self.dropped);
        line.count("own_ns", self.own);
        line.count("installed_ns", self.installed_at);
        line.end();
    }
}

/// Where the first byte is that JSON does not allow as it is.
///
/// Eight bytes at a time: paths are most of a record, and looking at each byte of them was a quarter
/// of what the tracer took.
fn first_to_escape(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOP_BITS: u64 = ONES << 7;
    // The top bit of a byte stays set if the byte is below `limit`, and so is that of no byte before
    // the first such one. What is not ASCII has its own top bit set and is never below.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & TOP_BITS;
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let must_escape = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'"' | b'\\');
    let mut passed = 0;
    for eight in text.as_chunks::<8>().0 {
        let word = u64::from_ne_bytes(*eight);
        if below(word, 0x20) | is(word, b'"') | is(word, b'\\') | is(word, 0x7f) != 0 {
            break;
        }
        passed += 8;
    }
    text[passed..].iter().position(must_escape).map(|at| passed + at)
}

/// Of a number of 64 bits.
const MOST_DIGITS: usize = 20;

/// One JSON object being written.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    separator: u8,
}

impl<'a> Line<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, separator: b'{' }
    }

    fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.extend_from_slice(value.as_bytes());
    }

    fn number(&mut self, key: &str, value: i64) {
        self.key(key);
        if value < 0 {
            self.out.push(b'-');
        }
        self.digits(value.unsigned_abs());
    }

    fn count(&mut self, key: &str, value: u64) {
        self.key(key);
        self.digits(value);
    }

    /// By hand: two dozen numbers a line are most of what a line costs through `fmt`.
    fn digits(&mut self, mut value: u64) {
        let mut digits = [0; MOST_DIGITS];
        let mut at = MOST_DIGITS;
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    fn key(&mut self, key: &str) {
        self.out.extend_from_slice(&[self.separator, b'"']);
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.separator = b',';
    }

    fn optional(&mut self, key: &str, value: Option<i64>) {
        match value {
            Some(value) => self.number(key, value),
            None => self.raw(key, "null"),
        }
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        let Some(value) = value else { return self.raw(key, "null") };
        self.raw(key, "\"");
        let mut rest = value.as_bytes();
        // Nearly all text has nothing to escape, and goes through in one piece.
        while let Some(at) = first_to_escape(rest) {
            self.out.extend_from_slice(&rest[..at]);
            let _ = write!(self.out, "\\u{:04x}", rest[at]);
            rest = &rest[at + 1..];
        }
        self.out.extend_from_slice(rest);
        self.out.push(b'"');
    }

    fn end(self) {
        self.out.extend_from_slice(b"}\n");
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Kind, Line, Record, Spec, Step, Totals, first_to_escape};

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn record(origin: Option<&str>, steps: &[Step]) -> Record {
        let mut record = Record {
            spec: Some(Spec { origin: origin.map(str::to_owned), is_package: false }),
            ..Record::default()
        };
        for step in steps {
            record.note(*step);
        }
        record
    }

    #[test]
    fn the_kind_follows_from_what_was_done() {
        let path = Some("/x/a.py");
        assert_eq!(record(path, &[Step::Unmarshal]).kind(), Kind::Bytecode);
        // Bytecode that turned out to be stale was read first.
        assert_eq!(record(path, &[Step::Unmarshal, Step::Compile]).kind(), Kind::Source);
        assert_eq!(record(path, &[Step::Dlopen, Step::Exec]).kind(), Kind::Extension);
        assert_eq!(record(Some("built-in"), &[]).kind(), Kind::Builtin);
        assert_eq!(record(Some("frozen"), &[]).kind(), Kind::Frozen);
        assert_eq!(record(path, &[]).kind(), Kind::Other);
        assert_eq!(Record::default().kind(), Kind::Shared);
    }

    #[test]
    fn a_namespace_package_has_no_origin() {
        let spec = Some(Spec { origin: None, is_package: true });
        assert_eq!(Record { spec, ..Record::default() }.kind(), Kind::Namespace);
    }

    #[test]
    fn text_cannot_break_out_of_its_line() {
        let name = "a\"b\\c\nd\u{1b}é";
        let record = Record { name: name.into(), ..Record::default() };
        let line = written(|out| record.write_line(out));
        assert!(line.contains(r#""name":"a\u0022b\u005cc\u000ad\u001bé","#));
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn what_must_be_escaped_is_found_wherever_it_stands() {
        for special in ['"', '\\', '\0', '\n', '\u{1f}', '\u{7f}'] {
            for before in 0..20 {
                for plain in ["a", " ", "~", "\u{e9}", "#", "]"] {
                    let text = format!("{}{special}{plain}{special}", plain.repeat(before));
                    assert_eq!(first_to_escape(text.as_bytes()), text.find(special), "{text:?}");
                }
            }
        }
        assert_eq!(first_to_escape("/usr/lib/python3/site-packages/\u{e9}".as_bytes()), None);
    }

    #[test]
    fn what_is_not_known_is_null() {
        let line = written(|out| Record::default().write_line(out));
        assert!(line.contains(r#""resident_bytes":null,"minor_faults":null"#));
        assert!(line.starts_with(r#"{"id":0,"parent":null,"#));
    }

    #[test]
    fn numbers_are_written_out_to_their_limits() {
        let out = written(|out| {
            let mut line = Line::new(out);
            line.count("most", u64::MAX);
            line.number("least", i64::MIN);
            line.count("none", 0);
            line.end();
        });
        let expected = format!("{{\"most\":{},\"least\":{},\"none\":0}}\n", u64::MAX, i64::MIN);
        assert_eq!(out, expected);
    }

    #[test]
    fn totals_are_a_line_of_their_own() {
        let totals = Totals { dropped: 1, own: 2, installed_at: 3 };
        let line = written(|out| totals.write_line(out));
        assert_eq!(line, "{\"dropped\":1,\"own_ns\":2,\"installed_ns\":3}\n");
    }
}
