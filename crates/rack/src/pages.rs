//! A list that never moves what it holds: growing it copies nothing, however long it is.

use std::ops::{Index, IndexMut};

/// The values of the first page.
const FIRST: usize = 64;

/// Values in pages, each twice as long as the one before: there are so few that where they begin stays near, and a value
/// is found without asking far memory for its page. The memory of a page that is not filled is not touched.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    pages: Vec<Vec<T>>,
    length: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), length: 0 }
    }
}

impl<T> Pages<T> {
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn push(&mut self, value: T) {
        let (page, _) = place(self.length);
        if page == self.pages.len() {
            self.pages.push(Vec::with_capacity(FIRST << page));
        }
        self.pages[page].push(value);
        self.length += 1;
    }

    /// All values, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten()
    }
}

/// Page and place in there of a value.
const fn place(at: usize) -> (usize, usize) {
    let from_first = at + FIRST;
    let page = (from_first.ilog2() - FIRST.ilog2()) as usize;
    (page, from_first - (FIRST << page))
}

impl<T> Index<u32> for Pages<T> {
    type Output = T;

    fn index(&self, at: u32) -> &T {
        let (page, at) = place(at as usize);
        &self.pages[page][at]
    }
}

impl<T> IndexMut<u32> for Pages<T> {
    fn index_mut(&mut self, at: u32) -> &mut T {
        let (page, at) = place(at as usize);
        &mut self.pages[page][at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_index() {
        let mut pages = Pages::default();
        for value in 0..10_000_u32 {
            pages.push(value);
        }
        assert_eq!(pages.len(), 10_000);
        assert!((0..10_000).all(|at| pages[at] == at));
        assert!(pages.iter().copied().eq(0..10_000));
        pages[8_191] = 7;
        assert_eq!(pages[8_191], 7);
    }
}
