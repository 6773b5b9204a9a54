//! One field of a form.

/// The value that the user entered, and the error of the field. A form that is shown again keeps its values.
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
