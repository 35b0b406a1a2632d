//! A set of actions of one kind, as a bit mask: small, `Copy`, and compared without allocation.

use crate::kind::{ActionName, Kind};

/// Some of the actions of a kind. Whoever makes one checks that the kind has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Actions(u32);

impl Actions {
    pub(crate) const NONE: Actions = Actions(0);

    /// Every action of `kind`.
    pub(crate) fn all(kind: Kind) -> Actions {
        kind.actions().iter().copied().collect()
    }

    pub(crate) const fn one(action: ActionName) -> Actions {
        Actions(1 << action as u32)
    }

    pub(crate) const fn has(self, action: ActionName) -> bool {
        self.0 & Actions::one(action).0 != 0
    }

    pub(crate) const fn contains(self, other: Actions) -> bool {
        other.0 & !self.0 == 0
    }

    pub(crate) const fn and(self, other: Actions) -> Actions {
        Actions(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Actions) -> Actions {
        Actions(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Actions) -> Actions {
        Actions(self.0 & !other.0)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The actions in the order in which the kind lists them.
    pub(crate) fn iter(self, kind: Kind) -> impl Iterator<Item = ActionName> {
        kind.actions().iter().copied().filter(move |action| self.has(*action))
    }
}

impl FromIterator<ActionName> for Actions {
    fn from_iter<I: IntoIterator<Item = ActionName>>(actions: I) -> Actions {
        actions.into_iter().fold(Actions::NONE, |set, action| set.or(Actions::one(action)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_every_kind_hold_exactly_their_actions() {
        for kind in Kind::ALL {
            let all = Actions::all(kind);
            assert_eq!(all.iter(kind).collect::<Vec<_>>(), kind.actions());
            for action in kind.actions() {
                let one = Actions::one(*action);
                assert!(all.contains(one) && one.has(*action));
                assert!(!all.without(one).has(*action));
                assert_eq!(all.and(one), one);
                assert_eq!(all.without(one).or(one), all);
            }
        }
        assert!(!Actions::all(Kind::File).has(ActionName::Get));
        assert!(Actions::one(ActionName::Get).and(Actions::one(ActionName::Put)).is_empty());
    }
}
