//! OpenAPI schemas of strings: IDs, enums, names, and durations. The types have no values. Fields name them in `value_type`, and
//! their enum values come from the types that parse them.

use std::marker::PhantomData;

use keyrack_key::{Class, Period, Permission, QuotaResource, Scope};
use keyrack_store::{AuditAction as Action, ModelStatus as Status, ProjectType as Type};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type as Kind};
use utoipa::openapi::{KnownFormat, Ref, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// Declares types that only have a schema.
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

        /// Returns all schemas with their names. utoipa collects the schemas of bodies, but not those that parameters refer to.
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
    /// The ID of a request. Problems have it in `request_id`, and all responses in the header `X-Request-Id`.
    RequestId = pattern("^req_[0-9a-f]{24}$", "req_0198c2f4a1b27c3d8e4f5a6b");
    /// The name of a scope, which is a set of permissions.
    ScopeName = words(Scope::ALL.map(Scope::name));
    /// The name of a permission. Each route requires one permission.
    PermissionName = words(Permission::ALL.map(Permission::name));
    /// The class of a key. A `publishable` key may be public. The class never changes.
    KeyClass = words(Class::ALL.map(Class::name));
    /// The status of a key.
    KeyStatus = words(["active", "paused", "expired", "deleted"]);
    /// The state of a secret: `current`, `retiring` (still valid after a rotation), or `ended`.
    SecretState = words(["current", "retiring", "ended"]);
    /// The type of a project. Models predict one class for each image, or detect objects in it.
    ProjectType = words([Type::Classification, Type::ObjectDetection].map(Type::name));
    /// The status of a model or of its training run.
    ModelStatus = words(Status::ALL.map(Status::name));
    /// What a quota limits: predictions, images added to datasets, or training runs.
    QuotaKind = words(QuotaResource::ALL.map(QuotaResource::name));
    /// The period of a quota, from midnight to midnight UTC.
    QuotaPeriod = words(Period::ALL.map(Period::name));
    /// The kind of an actor. `operator` is the command line on the data folder.
    ActorKind = words(["user", "key", "operator"]);
    /// How a secret was exposed: a page in a browser sent it, or it was part of a URL.
    ExposureKind = words(["browser", "url"]);
    /// The kind of an annotation: a class for the whole image, or a box in the image.
    AnnotationKind = words(["category", "bounding_box"]);
    /// The action of an audit log entry.
    AuditAction = words(Action::ALL.iter().map(|action| action.name()));
    /// The size of an image: the uploaded file, or a JPEG of at most 320 × 320 pixels.
    ImageSize = words(["full", "thumbnail"]);
    /// The format of an export: JSON Lines or CSV.
    ExportFormat = words(["jsonl", "csv"]);
    /// A display name of 1 to 100 characters, without control characters.
    DisplayName = name(100);
    /// A duration: a number followed by `s`, `m`, `h`, or `d`.
    DurationString = pattern("^[0-9]{1,9}[smhd]$", "24h");
    /// The actor of an audit log entry: a user, a key, or the command line on the data folder.
    ActorReference = pattern("^(operator|user:usr_[0-9a-f]{32}|key:key_[0-9a-f]{32})$", "operator");
    /// The ID of a resource of any kind.
    ResourceId = pattern("^[a-z]{3}_[0-9a-f]{32}$", "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f");
    /// The slug of a workspace (its name in URLs), or its ID.
    WorkspaceReference = pattern("^[a-z0-9_-]{1,100}$", "northfield-vision");
    /// A list of entity tags for `If-Match`, or `*`.
    EntityTags = pattern(r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#, r#""812""#);
    /// The `uri` of an upload.
    UploadUri = pattern("^keyrack:upl_[0-9a-f]{32}$", "keyrack:upl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f");
}

// Fields use these schemas with `inline`, because the values also occur in other enums. The Go client of openapi-generator has a
// single namespace for the values of all enums that are components.
text_types! {
    /// The result of a check. `not_reached`: an earlier check failed.
    CheckOutcome = words(["passed", "failed", "not_reached"]);
    /// The status of the keys to list, or `any`.
    KeyStatusFilter = words(["active", "paused", "expired", "deleted", "any"]);
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

/// The schema of an ID with the prefix `kind`, such as [`keyrack_key::KeyId`].
fn id(kind: &str) -> ObjectBuilder {
    pattern(&format!("^{kind}_[0-9a-f]{{32}}$"), &format!("{kind}_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f"))
}

/// The schema of names that [`name`](keyrack_core::invalid::name) accepts. The pattern only has escapes that regular
/// expressions of all languages support.
fn name(most: usize) -> ObjectBuilder {
    text()
        .examples(["Line 3 camera"])
        .min_length(Some(1))
        .max_length(Some(most))
        .pattern(Some(r"^[^\x00-\x1F\x7F-\x9F\xAD]*[^\x00-\x20\x7F-\xA0\xAD][^\x00-\x1F\x7F-\x9F\xAD]*$"))
}

/// An element of a streamed response: an event or a line.
pub trait StreamElement: ToSchema {
    /// The media type of the stream.
    const MEDIA_TYPE: &'static str;
}

/// The schema of a streamed response. OpenAPI 3.1 describes a stream as a string, and its elements with `contentSchema`.
#[derive(Debug)]
pub struct StreamSchema<T>(PhantomData<T>);

impl<T: StreamElement> PartialSchema for StreamSchema<T> {
    fn schema() -> RefOr<Schema> {
        let element = Ref::from_schema_name(T::name());
        text().content_media_type(T::MEDIA_TYPE).content_schema(Some(element)).build().into()
    }
}

impl<T: StreamElement> ToSchema for StreamSchema<T> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// The schema of a file: a string with the format `binary`.
#[derive(Debug)]
pub enum Bytes {}

impl PartialSchema for Bytes {
    fn schema() -> RefOr<Schema> {
        text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary))).build().into()
    }
}

impl ToSchema for Bytes {}
