//! The texts of the API as its OpenAPI description shows them: ids, words of a list, names and spans. Nothing here has a value:
//! the types stand in `value_type`, and take their words from the types that parse them.

use std::marker::PhantomData;

use keyrack_key::{Class, Counted, Period, Permission, Scope};
use keyrack_store::{AuditAction as Action, ModelStatus as Status, ProjectType as Type};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type as Kind};
use utoipa::openapi::{KnownFormat, Ref, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// Types that stand for a schema.
macro_rules! text_types {
    ($($(#[doc = $doc:literal])+ $name:ident = $schema:expr;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $schema.description(Some(concat!($($doc),+).trim())).build().into()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident = $schema:expr;)+) => {
        text_types! { $($(#[doc = $doc])+ $name = $schema;)+ }

        /// Every one of them with its name. Parameters refer to them, and only bodies bring along what they refer to.
        pub fn all() -> Vec<(String, RefOr<Schema>)> {
            vec![$(($name::name().into_owned(), $name::schema())),+]
        }
    };
}

texts! {
    /// The ID of an API key. It stays the same when the key is rotated.
    KeyId = id("key");
    /// The ID of a workspace.
    WorkspaceId = id("wsp");
    /// The ID of a project.
    ProjectId = id("prj");
    /// The ID of a batch of images.
    BatchId = id("bat");
    /// The ID of a label.
    LabelId = id("lbl");
    /// The ID of an upload.
    UploadId = id("upl");
    /// The ID of an image in a dataset.
    RecordId = id("rec");
    /// The ID of an annotation.
    AnnotationId = id("ann");
    /// The ID of a model.
    ModelId = id("mdl");
    /// The ID of a node.
    NodeId = id("nod");
    /// The ID of a request: `request_id` in a problem, and the response header `X-Request-Id`.
    RequestId = pattern("^req_[0-9a-f]{24}$", "req_0198c2f4a1b27c3d8e4f5a6b");
    /// A set of permissions that a person picks for a key.
    ScopeName = words(Scope::ALL.map(Scope::name));
    /// What a route requires of a key.
    PermissionName = words(Permission::ALL.map(Permission::name));
    /// The class of a key: `publishable` keys are meant to be public. It never changes.
    KeyClass = words(Class::ALL.map(Class::name));
    /// The state of a key.
    KeyStatus = words(["live", "paused", "expired", "deleted"]);
    /// The state of a secret: the current one, an old one that still works after a rotation, or one that has ended.
    SecretState = words(["current", "retiring", "ended"]);
    /// What the models of a project learn: one class for each image, or boxes in it.
    ProjectType = words([Type::Classification, Type::ObjectDetection].map(Type::name));
    /// The state of a model.
    ModelStatus = words(Status::ALL.map(Status::name));
    /// What a quota counts: predictions, images that become records of a dataset, or training runs.
    QuotaKind = words(Counted::ALL.map(Counted::name));
    /// The period of a quota, from midnight to midnight UTC.
    QuotaPeriod = words(Period::ALL.map(Period::name));
    /// The kind of an actor; `operator` is the command line on the data folder.
    ActorKind = words(["user", "key", "operator"]);
    /// Where a secret was exposed.
    ExposureKind = words(["browser", "url"]);
    /// The kind of an annotation: a class for the whole image, or a box in it.
    AnnotationKind = words(["category", "bounding_box"]);
    /// What an entry of the audit log says was done.
    AuditAction = words(Action::ALL.iter().map(|action| action.name()));
    /// The size of an image: as it was uploaded, or a JPEG of at most 320 pixels a side.
    ImageSize = words(["full", "thumbnail"]);
    /// The format of an export: an object a line, or CSV.
    ExportFormat = words(["jsonl", "csv"]);
    /// A name for people: 1 to 100 characters, none of them a control character.
    Name = name(100);
    /// A length of time: a number and `s`, `m`, `h` or `d`.
    Span = pattern("^[0-9]{1,9}[smhd]$", "24h");
    /// The actor of an entry of the audit log: a person, a key, or the command line on the data folder.
    ActorReference = pattern("^(operator|user:usr_[0-9a-f]{32}|key:key_[0-9a-f]{32})$", "operator");
    /// An ID of any kind.
    AnyId = pattern("^[a-z]{3}_[0-9a-f]{32}$", "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f");
    /// The address of a workspace, or its ID.
    WorkspaceReference = pattern("^[a-z0-9_-]{1,100}$", "northfield-vision");
    /// Entity tags as `If-Match` lists them, or `*`.
    EntityTags = pattern(r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#, r#""812""#);
    /// The `uri` of an upload.
    UploadUri = pattern("^keyrack:upl_[0-9a-f]{32}$", "keyrack:upl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f");
}

// Used with `inline`, so not components: the Go client of openapi-generator has one namespace for the words of all enums that are
// components, and these words are in others as well.
text_types! {
    /// How a check of a request ended.
    CheckResult = words(["passed", "failed", "not_reached"]);
    /// A state of keys to list, or `any`.
    KeyStatusFilter = words(["live", "paused", "expired", "deleted", "any"]);
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Kind::String))
}

fn words(words: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text().enum_values(Some(words))
}

fn pattern(pattern: &str, example: &str) -> ObjectBuilder {
    text().pattern(Some(pattern)).examples([example])
}

/// See [`keyrack_key::KeyId`] and its like.
fn id(kind: &str) -> ObjectBuilder {
    pattern(&format!("^{kind}_[0-9a-f]{{32}}$"), &format!("{kind}_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"))
}

/// See [`keyrack_core::name`]. Escapes are those that the regular expressions of all languages know.
fn name(most: usize) -> ObjectBuilder {
    text()
        .examples(["Line 3 camera"])
        .min_length(Some(1))
        .max_length(Some(most))
        .pattern(Some(r"^[^\x00-\x1F\x7F-\x9F\xAD]*[^\x00-\x20\x7F-\xA0\xAD][^\x00-\x1F\x7F-\x9F\xAD]*$"))
}

/// What a streamed text holds, piece by piece.
pub trait Streamed: ToSchema {
    /// The media type of the text.
    const MEDIA_TYPE: &'static str;
}

/// A text that is read as it comes. OpenAPI 3.1 shows it as a string, and its pieces as the schema of the content.
#[derive(Debug)]
pub struct Stream<T>(PhantomData<T>);

impl<T: Streamed> PartialSchema for Stream<T> {
    fn schema() -> RefOr<Schema> {
        let piece = Ref::from_schema_name(T::name());
        text().content_media_type(T::MEDIA_TYPE).content_schema(Some(piece)).build().into()
    }
}

impl<T: Streamed> ToSchema for Stream<T> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// Bytes of a file, which OpenAPI shows as a string of the format `binary`.
#[derive(Debug)]
pub enum Bytes {}

impl PartialSchema for Bytes {
    fn schema() -> RefOr<Schema> {
        text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).build().into()
    }
}

impl ToSchema for Bytes {}
