//! What a start was made of: named steps inside one another, and moments, in a bounded buffer.
//!
//! The first [`MOST_STEPS`] steps are kept, as a start is told from its beginning; the others are
//! counted. Errors are counted by type, also those of steps there was no room for. Once the first
//! answer is out nothing is added any more, so the recorder costs a running function nothing.

pub const MOST_STEPS: usize = 512;
/// Names come from code, but a loop can make one of anything.
pub const MOST_CHARACTERS: usize = 200;
pub const MOST_TAGS: usize = 8;
/// Types of errors that are counted each by itself; the rest is counted together.
pub const MOST_ERROR_TYPES: usize = 32;
pub const OTHER_ERRORS: &str = "(other types)";

/// What a step is the run of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Import,
    Once,
    Resource,
    Pool,
    Step,
    WarmUp,
    Lazy,
    Replay,
    Hook,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Import,
        Self::Once,
        Self::Resource,
        Self::Pool,
        Self::Step,
        Self::WarmUp,
        Self::Lazy,
        Self::Replay,
        Self::Hook,
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Once => "once",
            Self::Resource => "resource",
            Self::Pool => "pool",
            Self::Step => "step",
            Self::WarmUp => "warm_up",
            Self::Lazy => "lazy",
            Self::Replay => "replay",
            Self::Hook => "hook",
        }
    }

    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A moment that every start has one of at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// This process was forked from one that had loaded coldcache.
    Forked,
    /// It was restored from a snapshot.
    Restored,
    /// The runtime client asked for the first event.
    InitEnd,
    /// It has got the first event.
    FirstEvent,
    /// The handler was called for the first time.
    FirstCall,
    /// That call returned or raised.
    FirstReturn,
    /// The answer began to be sent.
    FirstByte,
    /// The answer was sent.
    FirstAnswer,
}

const MARKS: usize = 8;

impl Mark {
    pub const ALL: [Self; MARKS] = [
        Self::Forked,
        Self::Restored,
        Self::InitEnd,
        Self::FirstEvent,
        Self::FirstCall,
        Self::FirstReturn,
        Self::FirstByte,
        Self::FirstAnswer,
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Forked => "forked",
            Self::Restored => "restored",
            Self::InitEnd => "init_end",
            Self::FirstEvent => "first_event",
            Self::FirstCall => "first_call",
            Self::FirstReturn => "first_return",
            Self::FirstByte => "first_byte",
            Self::FirstAnswer => "first_answer",
        }
    }

    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.word() == word)
    }
}

/// One run of something. Times are nanoseconds of the monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The step around it: its place in the list.
    pub parent: Option<u32>,
    pub kind: Kind,
    pub name: String,
    pub began: u64,
    pub ended: Option<u64>,
    /// Name of the type of what it raised.
    pub error: Option<String>,
    pub tags: Vec<(String, String)>,
}

/// A step that has begun, for whoever ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// `None`: there was no room for it.
    pub id: Option<u32>,
    edition: u32,
}

/// All that was recorded of one start.
#[derive(Debug)]
pub struct Timeline {
    steps: Vec<Step>,
    dropped: u64,
    errors: Vec<(String, u64)>,
    marks: [Option<u64>; MARKS],
    is_closed: bool,
    /// Counts the restarts: a step that began before one has no place after it.
    edition: u32,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Timeline {
    #[must_use]
    pub const fn new() -> Self {
        Self {
            steps: Vec::new(),
            dropped: 0,
            errors: Vec::new(),
            marks: [None; MARKS],
            is_closed: false,
            edition: 0,
        }
    }

    /// Begin a step; `None` when the start is over.
    pub fn begin(
        &mut self,
        kind: Kind,
        name: &str,
        tags: Vec<(String, String)>,
        parent: Option<u32>,
        at: u64,
    ) -> Option<Ticket> {
        if self.is_closed {
            return None;
        }
        let id = u32::try_from(self.steps.len()).ok().filter(|_| self.steps.len() < MOST_STEPS);
        if id.is_none() {
            self.dropped += 1;
        } else {
            let shorten = |(key, value): (String, String)| (cut(&key), cut(&value));
            self.steps.push(Step {
                parent: parent.filter(|parent| (*parent as usize) < self.steps.len()),
                kind,
                name: cut(name),
                began: at,
                ended: None,
                error: None,
                tags: tags.into_iter().take(MOST_TAGS).map(shorten).collect(),
            });
        }
        Some(Ticket { id, edition: self.edition })
    }

    pub fn end(&mut self, ticket: Ticket, at: u64, error: Option<&str>) {
        if ticket.edition != self.edition {
            return;
        }
        if let Some(error) = error {
            self.count_error(error);
        }
        if let Some(step) = ticket.id.and_then(|id| self.steps.get_mut(id as usize)) {
            step.ended = Some(at);
            step.error = error.map(cut);
        }
    }

    /// Count an error of the start that no step stands for.
    pub fn count_error(&mut self, kind: &str) {
        let kind = cut(kind);
        let is_known = self.errors.iter().any(|(known, _)| *known == kind);
        let has_room = self.errors.len() < MOST_ERROR_TYPES;
        let kind = if is_known || has_room { kind } else { OTHER_ERRORS.to_owned() };
        match self.errors.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.errors.push((kind, 1)),
        }
    }

    /// Note a moment; true if it is the first of its kind.
    pub fn mark(&mut self, mark: Mark, at: u64) -> bool {
        match mark {
            // What came before happened to the process that this one is a copy of.
            Mark::Forked | Mark::Restored => {
                for later in Mark::ALL {
                    let is_kept = mark == Mark::Restored
                        && matches!(later, Mark::Forked | Mark::Restored | Mark::InitEnd);
                    if !is_kept {
                        self.marks[later as usize] = None;
                    }
                }
                self.is_closed = false;
            }
            _ if self.is_closed || self.marks[mark as usize].is_some() => return false,
            _ => {}
        }
        self.marks[mark as usize] = Some(at);
        true
    }

    /// The start is over: nothing is added any more.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Begin anew, with nothing recorded.
    pub fn restart(&mut self) {
        *self = Self { edition: self.edition.wrapping_add(1), ..Self::new() };
    }

    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many steps there was no room for.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How often each type of error was raised.
    #[must_use]
    pub fn errors(&self) -> &[(String, u64)] {
        &self.errors
    }

    #[must_use]
    pub fn at(&self, mark: Mark) -> Option<u64> {
        self.marks[mark as usize]
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        None => text.to_owned(),
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
    }
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used, reason = "that is how a test fails")]
mod tests {
    use super::{
        Kind, MOST_CHARACTERS, MOST_ERROR_TYPES, MOST_STEPS, Mark, OTHER_ERRORS, Timeline,
    };

    fn begin(timeline: &mut Timeline, name: &str, at: u64) -> super::Ticket {
        timeline.begin(Kind::Step, name, Vec::new(), None, at).unwrap()
    }

    #[test]
    fn a_step_has_its_place_its_times_and_its_error() {
        let mut timeline = Timeline::new();
        let outer = begin(&mut timeline, "outer", 10);
        let inner = timeline.begin(Kind::Once, "inner", Vec::new(), outer.id, 12).unwrap();
        timeline.end(inner, 15, Some("ValueError"));
        timeline.end(outer, 20, None);
        let [outer, inner] = timeline.steps() else { unreachable!() };
        assert_eq!((outer.parent, outer.began, outer.ended), (None, 10, Some(20)));
        assert_eq!((inner.parent, inner.kind.word()), (Some(0), "once"));
        assert_eq!(inner.error.as_deref(), Some("ValueError"));
        assert_eq!(timeline.errors(), [("ValueError".to_owned(), 1)]);
    }

    #[test]
    fn steps_beyond_the_bound_are_counted_and_so_are_their_errors() {
        let mut timeline = Timeline::new();
        for at in 0..MOST_STEPS as u64 + 3 {
            let step = begin(&mut timeline, "often", at);
            timeline.end(step, at, Some("OSError"));
        }
        assert_eq!((timeline.steps().len(), timeline.dropped()), (MOST_STEPS, 3));
        assert_eq!(timeline.errors(), [("OSError".to_owned(), MOST_STEPS as u64 + 3)]);
    }

    #[test]
    fn types_of_errors_beyond_the_bound_are_counted_together() {
        let mut timeline = Timeline::new();
        for number in 0..MOST_ERROR_TYPES + 5 {
            timeline.count_error(&format!("Error{number}"));
        }
        assert_eq!(timeline.errors().len(), MOST_ERROR_TYPES + 1);
        assert_eq!(timeline.errors().last(), Some(&(OTHER_ERRORS.to_owned(), 5)));
    }

    #[test]
    fn names_and_tags_are_cut_between_characters() {
        let mut timeline = Timeline::new();
        let long = "ä".repeat(MOST_CHARACTERS + 1);
        let tags = vec![(long.clone(), long.clone()); 20];
        timeline.begin(Kind::Step, &long, tags, None, 0);
        let step = &timeline.steps()[0];
        assert_eq!(step.name.chars().count(), MOST_CHARACTERS);
        assert_eq!(step.tags.len(), super::MOST_TAGS);
        assert_eq!(step.tags[0].1.chars().count(), MOST_CHARACTERS);
    }

    #[test]
    fn nothing_is_added_when_the_start_is_over() {
        let mut timeline = Timeline::new();
        let open = begin(&mut timeline, "still runs", 1);
        timeline.close();
        assert!(timeline.begin(Kind::Step, "late", Vec::new(), None, 2).is_none());
        timeline.end(open, 3, None);
        assert_eq!(timeline.steps().len(), 1);
        assert_eq!(timeline.steps()[0].ended, Some(3));
    }

    #[test]
    fn a_moment_is_the_first_of_its_kind() {
        let mut timeline = Timeline::new();
        assert!(timeline.mark(Mark::FirstCall, 5));
        assert!(!timeline.mark(Mark::FirstCall, 6));
        assert_eq!(timeline.at(Mark::FirstCall), Some(5));
    }

    #[test]
    fn a_restored_process_has_its_first_call_before_it() {
        let mut timeline = Timeline::new();
        timeline.mark(Mark::InitEnd, 1);
        timeline.mark(Mark::FirstCall, 2);
        timeline.close();
        timeline.mark(Mark::Restored, 9);
        assert_eq!((timeline.at(Mark::InitEnd), timeline.at(Mark::FirstCall)), (Some(1), None));
        assert!(!timeline.is_closed());
    }

    #[test]
    fn a_forked_child_keeps_the_steps_and_no_moment() {
        let mut timeline = Timeline::new();
        begin(&mut timeline, "preload", 1);
        timeline.mark(Mark::InitEnd, 2);
        timeline.mark(Mark::Forked, 3);
        assert_eq!((timeline.steps().len(), timeline.at(Mark::InitEnd)), (1, None));
    }

    #[test]
    fn a_step_from_before_a_restart_has_no_place_after_it() {
        let mut timeline = Timeline::new();
        let old = begin(&mut timeline, "old", 1);
        timeline.restart();
        begin(&mut timeline, "new", 2);
        timeline.end(old, 3, Some("OSError"));
        assert_eq!(timeline.steps()[0].ended, None);
        assert!(timeline.errors().is_empty());
    }

    #[test]
    fn every_word_is_its_own() {
        assert!(Kind::ALL.into_iter().all(|kind| Kind::of_word(kind.word()) == Some(kind)));
        assert!(Mark::ALL.into_iter().all(|mark| Mark::of_word(mark.word()) == Some(mark)));
    }
}
