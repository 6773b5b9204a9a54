//! Which piece of a list: how long, and where it begins.

use std::str::FromStr;

use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiError;
use super::body::limit;

/// Which piece of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Piece {
    /// At most this many, 1 to 200; 50 unless told otherwise.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `nextCursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl Piece {
    /// Behind what, and how many.
    pub fn parse<Cursor: FromStr>(&self) -> Result<(Option<Cursor>, u32), ApiError> {
        let limit = limit(self.limit.as_deref()).map_err(|expected| ApiError::field("limit", expected))?;
        let after = self.cursor.as_deref().map(str::parse).transpose();
        let after = after.map_err(|_| ApiError::field("cursor", "expected the nextCursor of a page"))?;
        Ok((after, limit))
    }
}
