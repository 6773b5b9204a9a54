//! The tables of projects reject invalid rows that are written without the store.

use crate::constraints::{assert_rejected, run};
use crate::datasets::picture;
use crate::{World, world};

/// Valid rows: each table with its columns.
const ROWS: [(&str, &[(&str, &str)]); 7] = [
    ("batches", &[("id", "'bat_new'"), ("project_id", "'{p}'"), ("name", "'n'"), ("created_at", "1")]),
    ("labels", &[("id", "'lbl_new'"), ("project_id", "'{p}'"), ("name", "'n'"), ("created_at", "1")]),
    (
        "uploads",
        &[
            ("id", "'upl_new'"),
            ("project_id", "'{p}'"),
            ("actor", "'operator'"),
            ("digest", "randomblob(32)"),
            ("created_at", "1"),
            ("expires_at", "2"),
            ("used", "0"),
        ],
    ),
    (
        "records",
        &[
            ("id", "'rec_new'"),
            ("project_id", "'{p}'"),
            ("batch_id", "NULL"),
            ("upload_id", "'{u}'"),
            ("name", "'n'"),
            ("width", "1"),
            ("height", "1"),
            ("content_type", "'image/png'"),
            ("size", "1"),
            ("created_at", "1"),
            ("created_by", "'operator'"),
        ],
    ),
    (
        "annotations",
        &[
            ("id", "'ann_new'"),
            ("record_id", "'{r}'"),
            ("label_id", "'{l}'"),
            ("category", "'bounding_box'"),
            ("\"left\"", "0.0"),
            ("top", "0.0"),
            ("width", "1.0"),
            ("height", "1.0"),
            ("metadata", "NULL"),
            ("created_at", "1"),
        ],
    ),
    (
        "models",
        &[
            ("id", "'mdl_new'"),
            ("workspace_id", "'{w}'"),
            ("project_id", "'{p}'"),
            ("name", "'n'"),
            ("folded", "'n'"),
            ("settings", "'{}'"),
            ("status", "'queued'"),
            ("reason", "NULL"),
            ("card", "NULL"),
            ("created_at", "1"),
            ("created_by", "'operator'"),
            ("ended_at", "NULL"),
            ("lease_until", "NULL"),
            ("cancel", "0"),
        ],
    ),
    ("removals", &[("prefix", "'x'"), ("due_at", "1"), ("last", "0")]),
];

/// The objects that the rows refer to.
struct Names {
    world: World,
    /// Placeholders in braces and their values.
    words: Vec<(&'static str, String)>,
}

impl Names {
    /// Creates a project with a label, an image, and an upload.
    async fn given() -> Self {
        let world = world().await;
        let (project, other) = (world.project("Bolts").await, world.project("Nuts").await);
        let upload = world.upload(project).await;
        let record = picture(&world, project).await.id;
        let labels = (world.label(project, "cap").await, world.label(other, "cap").await);
        let words = vec![
            ("{p}", project.to_string()),
            ("{q}", other.to_string()),
            ("{u}", upload.to_string()),
            ("{r}", record.to_string()),
            ("{l}", labels.0.to_string()),
            ("{m}", labels.1.to_string()),
            ("{w}", world.workspace.to_string()),
        ];
        Self { world, words }
    }

    /// Inserts a row that is valid except for the columns in `set`.
    fn insert(&self, table: &str, set: &[(&str, &str)]) -> String {
        let row = ROWS.iter().find(|(name, _)| *name == table).unwrap().1;
        let value = |name: &str, right: &str| {
            let other = set.iter().find(|(one, _)| *one == name).map_or(right, |(_, value)| value);
            self.words.iter().fold(other.to_owned(), |text, (word, is)| text.replace(word, is))
        };
        let names: Vec<_> = row.iter().map(|(name, _)| *name).collect();
        let values: Vec<_> = row.iter().map(|(name, right)| value(name, right)).collect();
        format!("INSERT INTO {table} ({}) VALUES ({});", names.join(", "), values.join(", "))
    }
}

#[tokio::test]
async fn valid_rows_are_accepted() {
    for (table, _) in ROWS {
        let names = Names::given().await;
        run(&names.world.console(), names.insert(table, &[])).unwrap();
    }
}

#[tokio::test]
async fn invalid_rows_are_rejected() {
    let names = Names::given().await;
    let console = names.world.console();
    let long = format!("'{}'", "x".repeat(256));
    let box_of = |edge, value| [(edge, value)];
    for (table, set, because) in [
        ("batches", &[("name", "''")][..], "length(name)"),
        ("batches", &[("name", long.as_str())], "length(name)"),
        ("batches", &[("project_id", "'prj_none'")], "FOREIGN KEY"),
        ("labels", &[("name", "''")], "length(name)"),
        ("labels", &[("name", long.as_str())], "length(name)"),
        ("labels", &[("name", "'cap'")], "UNIQUE"),
        ("labels", &[("project_id", "'prj_none'")], "FOREIGN KEY"),
        ("uploads", &[("digest", "randomblob(31)")], "length(digest)"),
        ("uploads", &[("digest", "randomblob(33)")], "length(digest)"),
        ("uploads", &[("expires_at", "1")], "expires_at > created_at"),
        ("uploads", &[("used", "2")], "used IN"),
        ("uploads", &[("project_id", "'prj_none'")], "FOREIGN KEY"),
        ("records", &[("name", "''")], "length(name)"),
        ("records", &[("name", long.as_str())], "length(name)"),
        ("records", &[("width", "0")], "width > 0"),
        ("records", &[("height", "-1")], "height > 0"),
        ("records", &[("size", "0")], "size > 0"),
        ("records", &[("content_type", "'text/html'")], "content_type IN"),
        ("records", &[("project_id", "'{q}'")], "upload are of one project"),
        ("records", &[("upload_id", "'upl_none'")], "upload are of one project"),
        ("records", &[("batch_id", "'bat_none'")], "batch are of one project"),
        ("annotations", &[("category", "'polygon'")], "category IN"),
        ("annotations", &[("category", "'category'")], "boxes_have_a_place"),
        ("annotations", &[("label_id", "'{m}'")], "of one project"),
        ("annotations", &[("record_id", "'rec_none'")], "of one project"),
        ("annotations", &box_of("\"left\"", "-0.1"), "boxes_have_a_place"),
        ("annotations", &box_of("top", "-0.1"), "boxes_have_a_place"),
        ("annotations", &box_of("width", "0.0"), "boxes_have_a_place"),
        ("annotations", &box_of("height", "0.0"), "boxes_have_a_place"),
        ("models", &[("name", "''")], "length(name)"),
        ("models", &[("status", "'lost'")], "status IN"),
        ("models", &[("status", "'running'")], "running_is_leased"),
        ("models", &[("lease_until", "5")], "running_is_leased"),
        ("models", &[("card", "'{}'")], "ready_has_a_card"),
        ("models", &[("status", "'ready'"), ("ended_at", "5")], "ready_has_a_card"),
        ("models", &[("status", "'failed'"), ("ended_at", "5")], "failed_has_a_reason"),
        ("models", &[("reason", "'why'")], "failed_has_a_reason"),
        ("models", &[("status", "'cancelled'")], "ended"),
        ("models", &[("ended_at", "5")], "ended"),
        ("models", &[("cancel", "2")], "cancel IN"),
        ("models", &[("project_id", "'prj_none'")], "FOREIGN KEY"),
        ("removals", &[("last", "2")], "last IN"),
    ] {
        let sql = names.insert(table, set);
        println!("{sql}");
        assert_rejected(run(&console, sql), because);
    }
}

#[tokio::test]
async fn box_without_coordinates_is_rejected() {
    let names = Names::given().await;
    let console = names.world.console();
    for edge in ["\"left\"", "top", "width", "height"] {
        assert_rejected(run(&console, names.insert("annotations", &[(edge, "NULL")])), "boxes_have_a_place");
    }
}

#[tokio::test]
async fn unique_columns_reject_duplicates() {
    for (table, other, because) in [
        ("batches", "bat_two", "batches.project_id, batches.name"),
        ("annotations", "ann_two", "annotations.record_id, annotations.label_id"),
        ("models", "mdl_two", "models.project_id, models.folded"),
        ("records", "rec_two", "records.upload_id"),
    ] {
        let names = Names::given().await;
        let console = names.world.console();
        run(&console, names.insert(table, &[])).unwrap();
        let second = names.insert(table, &[("id", &format!("'{other}'"))]);
        assert_rejected(run(&console, second), because);
    }
}

#[tokio::test]
async fn image_has_one_class_and_ended_run_cannot_change() {
    let names = Names::given().await;
    let console = names.world.console();
    let none = [("\"left\"", "NULL"), ("top", "NULL"), ("width", "NULL"), ("height", "NULL")];
    let class = |id| [&[("id", id), ("category", "'category'")][..], &none].concat();
    run(&console, names.insert("annotations", &class("'ann_1'"))).unwrap();
    assert_rejected(run(&console, names.insert("annotations", &class("'ann_2'"))), "annotations.record_id");

    let ended = [("status", "'failed'"), ("reason", "'why'"), ("ended_at", "5")];
    run(&console, names.insert("models", &ended)).unwrap();
    for set in [
        "status = 'cancelled', reason = NULL",
        "ended_at = 6",
        "status = 'ready', reason = NULL, card = '{}'",
    ] {
        assert_rejected(run(&console, format!("UPDATE models SET {set}")), "stays as it ended");
    }
    run(&console, "UPDATE models SET name = 'm', folded = 'm'").unwrap();
}
