//! Pages of lists. All paged lists have the same response type, with one schema for each kind of item.

use std::marker::PhantomData;

use axum::response::{IntoResponse, Response};
use http::header;
use keyrack_core::OpError;
use keyrack_store::Page;
use serde::Serialize;
use tokio::task::yield_now;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::ApiError;
use super::list_turn::ListTurn;

/// An item of a paged list.
pub trait PageItem: ToSchema {
    /// The name of the schema of a page, such as `KeyPage`.
    const PAGE: &'static str;
    /// The description of the schema of a page.
    const PAGE_DESCRIPTION: &'static str;
}

/// The schema of a page of a list.
#[derive(Debug)]
pub struct PageBody<T>(PhantomData<T>);

/// The JSON that a request thread writes before other requests get a turn, in bytes: about a tenth of a millisecond. A page
/// can have a megabyte.
const TURN: usize = 16 * 1024;

impl<T: Serialize> PageBody<T> {
    /// Converts a page of rows with `item` and writes its JSON. The turn covers the reading of the rows as well.
    pub async fn respond<Row, Cursor: ToString>(
        _turn: ListTurn,
        page: Page<Row, Cursor>,
        mut item: impl FnMut(Row) -> T,
    ) -> Result<Response, ApiError> {
        let mut json = br#"{"items":["#.to_vec();
        let mut written = 0;
        for (at, row) in page.items.into_iter().enumerate() {
            if at > 0 {
                json.push(b',');
            }
            write(&mut json, &item(row))?;
            if json.len() - written > TURN {
                written = json.len();
                yield_now().await;
            }
        }
        json.extend_from_slice(br#"],"nextCursor":"#);
        let next_cursor = page.next.map(|cursor| cursor.to_string());
        write(&mut json, &next_cursor)?;
        json.push(b'}');
        Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
    }
}

fn write(json: &mut Vec<u8>, value: &impl Serialize) -> Result<(), OpError> {
    serde_json::to_writer(json, value).map_err(|error| OpError::Internal(Box::new(error)))
}

impl<T: PageItem> PartialSchema for PageBody<T> {
    fn schema() -> RefOr<Schema> {
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("The cursor of the next page. Null on the last page."));
        ObjectBuilder::new()
            .description(Some(T::PAGE_DESCRIPTION))
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .required("items")
            .property("nextCursor", cursor)
            .build()
            .into()
    }
}

impl<T: PageItem> ToSchema for PageBody<T> {
    fn name() -> std::borrow::Cow<'static, str> {
        T::PAGE.into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}
