//! The query parameters of paged lists.

use std::str::FromStr;

use serde::Deserialize;
use utoipa::IntoParams;

use super::ApiError;
use super::body::limit;

/// The position and the length of a page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PageQuery {
    /// The maximum number of items, 1 to 200. The default is 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `nextCursor` of the previous page.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl PageQuery {
    /// Returns the cursor, `None` for the first page, and the limit.
    pub fn parse<Cursor: FromStr>(&self) -> Result<(Option<Cursor>, u32), ApiError> {
        let limit = limit(self.limit.as_deref()).map_err(|expected| ApiError::field("limit", expected))?;
        let after = self.cursor.as_deref().map(str::parse).transpose();
        let after = after.map_err(|_| ApiError::field("cursor", "Use the nextCursor of a page."))?;
        Ok((after, limit))
    }
}
