//! Pages of lists. All paged lists have the same response type, with one schema for each kind of item.

use keyrack_store::Page;
use serde::Serialize;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// An item of a paged list.
pub trait PageItem: ToSchema {
    /// The name of the schema of a page, such as `KeyPage`.
    const PAGE: &'static str;
    /// The description of the schema of a page.
    const PAGE_DESCRIPTION: &'static str;
}

/// A page of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageBody<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl<T> PageBody<T> {
    /// Converts a page of rows with `item`.
    pub fn new<Row, Cursor: ToString>(page: Page<Row, Cursor>, item: impl FnMut(Row) -> T) -> Self {
        let next_cursor = page.next.map(|cursor| cursor.to_string());
        Self { items: page.items.into_iter().map(item).collect(), next_cursor }
    }
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
