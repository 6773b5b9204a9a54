//! A list that never moves what it holds: growing it copies nothing, however long it is.

use std::ops::{Index, IndexMut};

const PAGE: usize = 64;

/// Values in pages of 64. The memory of a page that is not filled is not touched.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    pages: Vec<Vec<T>>,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<T> Pages<T> {
    pub(crate) fn len(&self) -> usize {
        self.pages.last().map_or(0, |last| (self.pages.len() - 1) * PAGE + last.len())
    }

    pub(crate) fn push(&mut self, value: T) {
        match self.pages.last_mut().filter(|last| last.len() < PAGE) {
            Some(last) => last.push(value),
            None => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(value);
                self.pages.push(page);
            }
        }
    }
}

impl<T> Index<u32> for Pages<T> {
    type Output = T;

    fn index(&self, at: u32) -> &T {
        let at = at as usize;
        &self.pages[at / PAGE][at % PAGE]
    }
}

impl<T> IndexMut<u32> for Pages<T> {
    fn index_mut(&mut self, at: u32) -> &mut T {
        let at = at as usize;
        &mut self.pages[at / PAGE][at % PAGE]
    }
}
