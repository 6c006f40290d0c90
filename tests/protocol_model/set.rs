//! Sets that are numbers, because every state carries several of them and is copied and hashed whole.

use std::fmt::{Debug, Formatter, Result};
use std::marker::PhantomData;

/// What can be in a [`Set`].
pub(crate) trait Member: Copy {
    /// A number below 64, another for each member.
    fn bit(self) -> u32;
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Set<T>(u64, PhantomData<T>);

impl<T: Member> Set<T> {
    pub(crate) const EMPTY: Self = Self(0, PhantomData);

    pub(crate) fn contains(self, member: T) -> bool {
        self.0 & (1 << member.bit()) != 0
    }

    pub(crate) fn insert(&mut self, member: T) {
        self.0 |= 1 << member.bit();
    }

    pub(crate) fn remove(&mut self, member: T) {
        self.0 &= !(1 << member.bit());
    }

    pub(crate) fn remove_all(&mut self, members: impl Iterator<Item = T>) {
        members.for_each(|member| self.remove(member));
    }
}

impl<T> Debug for Set<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_set().entries((0..u64::BITS).filter(|bit| self.0 >> bit & 1 == 1)).finish()
    }
}
