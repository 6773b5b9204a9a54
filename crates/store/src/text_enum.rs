//! Enums whose values have a name in the API and the database.

/// Implements `ALL`, `name`, `Display`, and `FromStr` for an enum. `ALL` has the order of the names. Parsing any other
/// text fails with the given error.
macro_rules! text_enum {
    ($enum:ident, $error:tt, $($value:ident => $name:literal,)+) => {
        impl $enum {
            /// All values.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$value),+];

            /// Returns the name in the API and the database.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $enum {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.into_iter().find(|value| value.name() == text).ok_or($error)
            }
        }
    };
}
pub(crate) use text_enum;
