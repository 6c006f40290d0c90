//! Sets that are numbers, because every state carries several of them and is copied and hashed whole.

use std::fmt::{Debug, Formatter, Result};
use std::marker::PhantomData;

use super::scale::SET_WORDS;

/// Values that a [`Set`] can have as members.
pub(crate) trait Member: Copy {
    /// A number below 64 × [`SET_WORDS`], another for each member.
    fn bit(self) -> u32;
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Set<T>([u64; SET_WORDS], PhantomData<T>);

/// The word of a member, and its bit there.
fn place(member: impl Member) -> (usize, u64) {
    let bit = member.bit();
    ((bit / u64::BITS) as usize, 1 << (bit % u64::BITS))
}

impl<T: Member> Set<T> {
    pub(crate) const EMPTY: Self = Self([0; SET_WORDS], PhantomData);

    pub(crate) fn contains(self, member: T) -> bool {
        let (word, bit) = place(member);
        self.0[word] & bit != 0
    }

    pub(crate) fn insert(&mut self, member: T) {
        let (word, bit) = place(member);
        self.0[word] |= bit;
    }

    pub(crate) fn remove(&mut self, member: T) {
        let (word, bit) = place(member);
        self.0[word] &= !bit;
    }

    pub(crate) fn insert_all(&mut self, members: impl IntoIterator<Item = T>) {
        members.into_iter().for_each(|member| self.insert(member));
    }

    pub(crate) fn remove_all(&mut self, members: impl Iterator<Item = T>) {
        members.for_each(|member| self.remove(member));
    }
}

impl<T> Debug for Set<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let bits = |word: u64| (0..u64::BITS).filter(move |bit| word >> bit & 1 == 1);
        f.debug_set().entries(self.0.iter().flat_map(|word| bits(*word))).finish()
    }
}
