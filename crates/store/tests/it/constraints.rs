//! The tables reject invalid rows that are written without the store.

use keyrack_store::{DeleteKey, RotateKey};
use rusqlite::Connection;

use crate::{NOW, World, later, secret, world};

/// Runs `sql` as a transaction and returns the database's error.
pub(crate) fn run(console: &Connection, sql: impl AsRef<str>) -> Result<(), String> {
    let transaction = console.unchecked_transaction().unwrap();
    transaction.execute_batch(sql.as_ref()).map_err(|error| error.to_string())?;
    transaction.commit().map_err(|error| error.to_string())
}

#[track_caller]
pub(crate) fn assert_rejected(result: Result<(), String>, because: &str) {
    let error = result.expect_err(because);
    assert!(error.contains(because), "{error}\nis not about\n{because}");
}

/// A valid change of a key, so that a rejection is due to the tested change alone.
fn with_revision(key: &str, change: &str) -> String {
    format!(
        "UPDATE feed_head SET revision = revision + 1, change_id = randomblob(16);
         INSERT INTO changes SELECT revision, change_id, '{key}', 0 FROM feed_head;
         {change}"
    )
}

fn update(key: &str, set: &str) -> String {
    with_revision(
        key,
        &format!("UPDATE keys SET {set}, revision = (SELECT revision FROM feed_head) WHERE id = '{key}'"),
    )
}

/// Inserts a row of `keys`. `set` replaces single columns.
fn insert(world: &World, set: &[(&str, &str)]) -> String {
    let workspace = format!("'{}'", world.workspace);
    let mut columns = vec![
        ("id", "'key_new'"),
        ("workspace_id", workspace.as_str()),
        ("name", "'n'"),
        ("folded", "'n'"),
        ("class", "'secret'"),
        ("scopes", "'project'"),
        ("permissions", "15"),
        ("restrictions", "'{}'"),
        ("created_by", "'operator'"),
        ("created_at", "100"),
        ("expires_at", "NULL"),
        ("paused_at", "NULL"),
        ("paused_by", "NULL"),
        ("paused_until", "NULL"),
        ("deleted_at", "NULL"),
        ("deleted_by", "NULL"),
        ("deleted_reason", "NULL"),
        ("revision", "(SELECT revision FROM feed_head)"),
    ];
    for (name, value) in set {
        columns.iter_mut().find(|column| column.0 == *name).unwrap().1 = value;
    }
    let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let sql = format!("INSERT INTO keys ({}) VALUES ({})", names.join(", "), values.join(", "));
    with_revision("key_new", &sql)
}

#[tokio::test]
async fn text_of_secret_key_is_rejected() {
    let world = world().await;
    let key = world.key("CI").await;
    let console = world.console();
    let set =
        |text: &str| format!("UPDATE key_secrets SET publishable = '{text}' WHERE key_id = '{}'", key.id);
    let body = "0123456789012345678901234567890123456789";
    assert_rejected(run(&console, set(&format!("kr_sk_{body}"))), "CHECK constraint failed");
    run(&console, set(&format!("kr_pk_{body}"))).unwrap();
}

#[tokio::test]
async fn invalid_new_key_rows_are_rejected() {
    let world = world().await;
    let console = world.console();
    let long = format!("'{}'", "x".repeat(101));
    for (set, because) in [
        (&[("class", "'publishable'"), ("permissions", "15")][..], "publishable_ceiling"),
        (&[("class", "'publishable'"), ("permissions", "40")], "publishable_ceiling"),
        (&[("class", "'root'")], "class IN"),
        (&[("name", "''")], "length(name)"),
        (&[("name", &long)], "length(name)"),
        (&[("permissions", "0")], "permissions BETWEEN"),
        (&[("permissions", "-1")], "permissions BETWEEN"),
        (&[("permissions", "4294967296")], "permissions BETWEEN"),
        (&[("expires_at", "100")], "expires_at > created_at"),
        (&[("paused_at", "100")], "paused_by_somebody"),
        (&[("paused_by", "'operator'")], "paused_by_somebody"),
        (&[("paused_until", "101")], "pause_ends_after_it_began"),
        (
            &[("paused_at", "100"), ("paused_by", "'operator'"), ("paused_until", "100")],
            "pause_ends_after_it_began",
        ),
        (&[("deleted_at", "100")], "deleted_by_somebody"),
        (&[("deleted_by", "'operator'")], "deleted_by_somebody"),
        (&[("deleted_reason", "'why'")], "reason_of_deletion"),
        (&[("workspace_id", "'wsp_none'")], "FOREIGN KEY"),
        (&[("revision", "0")], "takes the next revision"),
    ] {
        assert_rejected(run(&console, insert(&world, set)), because);
    }
    run(&console, insert(&world, &[("class", "'publishable'"), ("permissions", "8")])).unwrap();
}

#[tokio::test]
async fn key_class_and_workspace_are_fixed_and_revision_increases() {
    let world = world().await;
    let console = world.console();
    let id = world.key("CI").await.id.to_string();
    run(&console, update(&id, "name = 'CD'")).unwrap();
    for set in [
        "class = 'publishable', permissions = 8",
        "workspace_id = 'wsp_other'",
        "created_at = 1",
        "created_by = 'operator'",
    ] {
        assert_rejected(run(&console, update(&id, set)), "never change");
    }
    assert_rejected(
        run(&console, format!("UPDATE keys SET permissions = 31 WHERE id = '{id}'")),
        "takes the next revision",
    );
    let other = world.key("other").await.id;
    let under_its_number =
        format!("UPDATE keys SET name = 'x', revision = (SELECT revision FROM feed_head) WHERE id = '{id}'");
    assert_rejected(
        run(&console, with_revision(&other.to_string(), &under_its_number)),
        "takes the next revision",
    );
    assert_rejected(run(&console, format!("DELETE FROM keys WHERE id = '{id}'")), "never removed");
}

#[tokio::test]
async fn deleted_key_row_cannot_change() {
    let world = world().await;
    let console = world.console();
    let key = world.key("CI").await;
    let delete =
        DeleteKey { workspace: world.workspace, id: key.id, reason: None, actor: world.actor(), now: NOW };
    world.store.delete_key(&delete).await.unwrap();
    let id = key.id.to_string();
    for set in ["deleted_at = NULL, deleted_by = NULL", "name = 'x'", "permissions = 31"] {
        assert_rejected(run(&console, update(&id, set)), "stays as it is");
    }
    let sql = format!(
        "INSERT INTO key_secrets (digest, key_id, hint, created_at, retires_at) VALUES (randomblob(32), '{id}', 'abcd', 0, 1)"
    );
    assert_rejected(run(&console, sql), "gets no new secret");
}

#[tokio::test]
async fn secret_belongs_to_one_key_and_its_end_only_moves_earlier() {
    let world = world().await;
    let console = world.console();
    let key = world.key("CI").await;
    let other = world.key("other").await.id;
    let rotate = RotateKey {
        workspace: world.workspace,
        id: key.id,
        expected: key.revision,
        secret: secret(),
        retires_at: later(60),
        actor: world.actor(),
        now: NOW,
        idempotency_key: None,
    };
    world.store.rotate_key(&rotate).await.unwrap();
    let (id, end) = (key.id.to_string(), later(60).micros());
    let new = |digest: &str, hint: &str, end: &str| {
        format!(
            "INSERT INTO key_secrets (digest, key_id, hint, created_at, retires_at) VALUES ({digest}, '{id}', '{hint}', 0, {end})"
        )
    };
    assert_rejected(run(&console, new("randomblob(31)", "abcd", "1")), "length(digest) = 32");
    assert_rejected(run(&console, new("randomblob(32)", "abc", "1")), "length(hint) = 4");
    assert_rejected(run(&console, new("randomblob(32)", "abcd", "NULL")), "UNIQUE");
    let retiring = format!("WHERE key_id = '{id}' AND retires_at IS NOT NULL");
    for (set, because) in [
        (format!("retires_at = {end} + 1"), "never lives longer"),
        ("retires_at = NULL".into(), "never lives longer"),
        ("digest = randomblob(32)".into(), "keeps its digest"),
        (format!("key_id = '{other}'"), "keeps its digest"),
        ("hint = 'abcd'".into(), "keeps its digest"),
    ] {
        assert_rejected(run(&console, format!("UPDATE key_secrets SET {set} {retiring}")), because);
    }
    run(&console, format!("UPDATE key_secrets SET retires_at = {end} - 1 {retiring}")).unwrap();
}

#[tokio::test]
async fn changes_have_no_gap_and_cannot_be_rewritten() {
    let world = world().await;
    let console = world.console();
    let id = world.key("CI").await.id;
    for (sql, because) in [
        ("UPDATE feed_head SET revision = revision + 2", "one by one"),
        ("UPDATE feed_head SET revision = revision - 1", "one by one"),
        ("UPDATE feed_head SET revision = revision + 1", "FOREIGN KEY"),
        ("DELETE FROM feed_head", "stays"),
        ("INSERT INTO feed_head VALUES (2, 1, randomblob(16))", "id = 1"),
        ("UPDATE changes SET at = 1", "never rewritten"),
        ("DELETE FROM changes", "never removed"),
    ] {
        assert_rejected(run(&console, sql), because);
    }
    for revision in [1, 2, 3] {
        let sql = format!("INSERT INTO changes VALUES ({revision}, randomblob(16), '{id}', 0)");
        assert_rejected(run(&console, sql), "the counter stands at");
    }
    assert_rejected(run(&console, with_revision("key_none", "")), "FOREIGN KEY");
}

#[tokio::test]
async fn audit_entries_can_only_be_appended() {
    let world = world().await;
    let console = world.console();
    let add = |seq: &str, prev: &str| {
        format!(
            "UPDATE workspaces SET audited = audited + 1;
             INSERT INTO audit SELECT '{}', {seq}, 1, 0, 'operator', 'x', '', '{{}}', {prev}, randomblob(32)",
            world.workspace
        )
    };
    assert_rejected(run(&console, "UPDATE audit SET at = 1"), "never rewritten");
    assert_rejected(run(&console, "DELETE FROM audit"), "never removed");
    assert_rejected(run(&console, "UPDATE workspaces SET audited = 0"), "one by one");
    let end = "(SELECT hash FROM audit ORDER BY seq DESC LIMIT 1)";
    assert_rejected(run(&console, add("4", end)), "continues the chain");
    assert_rejected(run(&console, add("3", "randomblob(32)")), "continues the chain");
    run(&console, add("3", end)).unwrap();
}

#[tokio::test]
async fn enum_columns_are_checked_and_last_owner_cannot_be_removed() {
    let world = world().await;
    let console = world.console();
    let (workspace, owner) = (world.workspace, world.owner);
    for (sql, because) in [
        (format!("INSERT INTO members VALUES ('{workspace}', '{owner}', 'god', 0)"), "role IN"),
        ("UPDATE members SET role = 'admin'".into(), "has an owner"),
        ("DELETE FROM members".into(), "has an owner"),
        ("UPDATE users SET email = 'Ada@example.com'".into(), "lower(email)"),
        ("UPDATE users SET password_hash = 'hunter2'".into(), "password_hash LIKE"),
        ("INSERT INTO deployment VALUES (2, 0)".into(), "id = 1"),
        (
            format!("INSERT INTO projects VALUES ('prj_1', '{workspace}', 'a', 'a', 'poetry', NULL, 0, 'operator')"),
            "project_type IN",
        ),
        (
            "INSERT INTO projects VALUES ('prj_1', 'wsp_none', 'a', 'a', 'classification', NULL, 0, 'operator')".into(),
            "FOREIGN KEY",
        ),
        (
            format!("INSERT INTO sessions VALUES ('ses_1', randomblob(31), '{owner}', 0, 0, 1, NULL, NULL)"),
            "length(digest) = 32",
        ),
        (
            format!("INSERT INTO sessions VALUES ('ses_1', randomblob(32), '{owner}', 0, 0, 0, NULL, NULL)"),
            "expires_at > created_at",
        ),
    ] {
        assert_rejected(run(&console, sql), because);
    }
}
