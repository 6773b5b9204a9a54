//! A list that never moves its values: growing it copies nothing, whatever its length.

use std::ops::{Index, IndexMut};

/// The number of values in the first page.
const FIRST: usize = 64;

/// Values in pages, each twice as long as the one before. There are so few pages that the list of pages stays
/// in the processor's cache. The memory of the unused part of a page is never touched.
#[derive(Debug)]
pub(crate) struct PagedVec<T> {
    pages: Vec<Vec<T>>,
    length: usize,
}

impl<T> Default for PagedVec<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), length: 0 }
    }
}

impl<T> PagedVec<T> {
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn push(&mut self, value: T) {
        let (page, _) = page_and_index(self.length);
        if page == self.pages.len() {
            self.pages.push(Vec::with_capacity(FIRST << page));
        }
        self.pages[page].push(value);
        self.length += 1;
    }

    /// Iterates over all values, in the order of their indices.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten()
    }
}

/// Returns the page of a value, and its index within the page.
const fn page_and_index(at: usize) -> (usize, usize) {
    let from_first = at + FIRST;
    let page = (from_first.ilog2() - FIRST.ilog2()) as usize;
    (page, from_first - (FIRST << page))
}

impl<T> Index<u32> for PagedVec<T> {
    type Output = T;

    fn index(&self, at: u32) -> &T {
        let (page, at) = page_and_index(at as usize);
        &self.pages[page][at]
    }
}

impl<T> IndexMut<u32> for PagedVec<T> {
    fn index_mut(&mut self, at: u32) -> &mut T {
        let (page, at) = page_and_index(at as usize);
        &mut self.pages[page][at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_index() {
        let mut pages = PagedVec::default();
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
