//! One thing that crossed.

use super::Fingerprint;

/// What kind of thing crossed. Within a lane, the order is that in which things were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Lane {
    /// The decision about a call, and its result.
    Call = 1,
    /// What an open file, directory or body gave.
    Handle = 2,
    /// What the host said without a call: the outline of a database, the tools that were accepted.
    Host = 3,
    /// Wall-clock time.
    Wall = 4,
    /// Steady time.
    Steady = 5,
    /// Random bytes.
    Random = 6,
    /// Which of the things that a guest waits for were ready.
    Ready = 7,
    /// Memory or a table that could not grow.
    Growth = 8,
    /// A piece of source text that a session was given.
    Piece = 9,
}

/// What was asked for, as SHA-256: a replay must ask for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked([u8; 32]);

/// One thing that crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    pub lane: Lane,
    pub asked: Asked,
    /// What was given, as [`Crossed`](super::Crossed) writes it, and a byte that says that it was given.
    pub given: Vec<u8>,
}

impl Lane {
    pub const ALL: [Lane; 9] = [
        Lane::Call,
        Lane::Handle,
        Lane::Host,
        Lane::Wall,
        Lane::Steady,
        Lane::Random,
        Lane::Ready,
        Lane::Growth,
        Lane::Piece,
    ];

    /// The lane of this number in a journal.
    pub fn of(number: u8) -> Option<Lane> {
        Lane::ALL.into_iter().find(|lane| lane.number() == number)
    }

    pub const fn number(self) -> u8 {
        self as u8
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Lane::Call => "call",
            Lane::Handle => "handle",
            Lane::Host => "host",
            Lane::Wall => "wall",
            Lane::Steady => "steady",
            Lane::Random => "random",
            Lane::Ready => "ready",
            Lane::Growth => "growth",
            Lane::Piece => "piece",
        }
    }
}

impl Asked {
    /// There is nothing to ask with, as for the time.
    pub const NOTHING: Asked = Asked([0; 32]);

    /// Of these parts in this order: each with its length, so that no two lists of parts are the same.
    pub fn of(parts: &[&[u8]]) -> Asked {
        let mut print = Fingerprint::new();
        for part in parts {
            print.bytes(part);
        }
        print.asked()
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Asked {
        Asked(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_have_their_numbers() {
        for lane in Lane::ALL {
            assert_eq!(Lane::of(lane.number()), Some(lane));
        }
        assert_eq!((Lane::of(0), Lane::of(10)), (None, None));
    }

    #[test]
    fn the_boundary_between_parts_counts() {
        assert_ne!(Asked::of(&[b"ab", b"c"]), Asked::of(&[b"a", b"bc"]));
        assert_ne!(Asked::of(&[b"a"]), Asked::of(&[b"a", b""]));
        assert_eq!(Asked::of(&[b"a", b"b"]), Asked::of(&[b"a", b"b"]));
    }
}
