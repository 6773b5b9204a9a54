//! One field of a form: what was typed, and what was wrong with it.

/// A form that comes back keeps what was typed and says beside each field what to change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Field {
    pub(crate) value: String,
    pub(crate) error: Option<String>,
}

impl Field {
    pub(crate) fn is(&self, value: &str) -> bool {
        self.value == value
    }
}
