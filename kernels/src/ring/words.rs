// SPDX-License-Identifier: GPL-3.0-or-later
//! Words that begin at a cache line, so that vectors never straddle two.

use core::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// Words of a cache line.
const LINE: usize = 16;

/// A fixed number of `u32`, aligned to 64 bytes.
#[derive(Debug)]
pub struct Words {
    buffer: Vec<u32>,
    start: usize,
    length: usize,
}

impl Words {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        let buffer = vec![0u32; length + LINE - 1];
        let start = buffer.as_ptr().align_offset(64).min(LINE - 1);
        Self {
            buffer,
            start,
            length,
        }
    }
}

impl From<&[u32]> for Words {
    fn from(from: &[u32]) -> Self {
        let mut words = Self::zeros(from.len());
        words.copy_from_slice(from);
        words
    }
}

impl Deref for Words {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.buffer[self.start..self.start + self.length]
    }
}

impl DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [u32] {
        &mut self.buffer[self.start..self.start + self.length]
    }
}

impl Clone for Words {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Words {}

impl Zeroize for Words {
    fn zeroize(&mut self) {
        self.buffer.zeroize();
        // `Vec::zeroize` also empties the vector.
        self.start = 0;
        self.length = 0;
    }
}
