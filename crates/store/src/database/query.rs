//! A statement with its values, with an interface like that of `sqlx`, so that the same SQL
//! can run on another database.

use std::ops::ControlFlow;

use rusqlite::types::Value;
use rusqlite::{Error, Statement};

use super::connection::{Executor, Native, QueryFuture, QueryThread};
use super::row::{Columns, Row};
use crate::StoreError;

/// Creates a statement. Placeholders for values are `$1`, `$2`, and so on.
pub(crate) const fn query(sql: &'static str) -> Query {
    Query { sql, values: Vec::new(), thread: QueryThread::Current }
}

pub(crate) struct Query {
    sql: &'static str,
    values: Vec<Value>,
    thread: QueryThread,
}

/// The result of executing a statement.
pub(crate) struct ExecuteResult {
    rows: usize,
}

impl ExecuteResult {
    pub(crate) const fn rows_affected(&self) -> u64 {
        self.rows as u64
    }
}

impl Query {
    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Bind) -> Self {
        self.values.push(value.value());
        self
    }

    /// Runs the statement on a blocking thread, because it touches many rows or waits for the disk.
    pub(crate) fn blocking(self) -> Self {
        Self { thread: QueryThread::Blocking, ..self }
    }

    /// Runs a statement that returns no rows.
    pub(crate) fn execute<'a>(self, executor: impl Executor<'a>) -> QueryFuture<'a, ExecuteResult> {
        let work = move |db: &Native| {
            let mut statement = db.prepare_cached(self.sql)?;
            bind(&mut statement, &self.values)?;
            Ok(ExecuteResult { rows: statement.raw_execute()? })
        };
        executor.run(self.thread, Box::new(work))
    }

    /// Passes each row to `step`, until there are no more rows or `step` breaks.
    pub(crate) fn fold<'a, T: Send + 'static>(
        self,
        executor: impl Executor<'a>,
        start: T,
        step: impl FnMut(T, Row) -> Result<ControlFlow<T, T>, StoreError> + Send + 'static,
    ) -> QueryFuture<'a, T> {
        let thread = self.thread;
        executor.run(thread, Box::new(move |db| self.fold_on(db, start, step)))
    }

    pub(crate) fn fetch_all<'a>(self, executor: impl Executor<'a>) -> QueryFuture<'a, Vec<Row>> {
        self.fetch_list(executor, Ok)
    }

    /// Passes all rows to `convert` on the thread that reads them, because the conversion of a page of keys takes
    /// milliseconds, which would delay other requests on the caller's thread.
    pub(crate) fn fetch_list<'a, T: Send + 'static>(
        self,
        executor: impl Executor<'a>,
        convert: impl FnOnce(Vec<Row>) -> Result<T, StoreError> + Send + 'static,
    ) -> QueryFuture<'a, T> {
        let push = |mut rows: Vec<Row>, row| {
            rows.push(row);
            Ok(ControlFlow::Continue(rows))
        };
        let thread = self.thread;
        executor.run(thread, Box::new(move |db| convert(self.fold_on(db, Vec::new(), push)?)))
    }

    /// Returns the first row, if any.
    pub(crate) fn fetch_optional<'a>(self, executor: impl Executor<'a>) -> QueryFuture<'a, Option<Row>> {
        self.fold(executor, None, |_, row| Ok(ControlFlow::Break(Some(row))))
    }

    /// Returns the first row of a statement that always has one.
    pub(crate) async fn fetch_one<'a>(self, executor: impl Executor<'a>) -> Result<Row, StoreError> {
        let first = self.fetch_optional(executor);
        first.await?.ok_or_else(|| Error::QueryReturnedNoRows.into())
    }
}

impl Query {
    fn fold_on<T>(
        &self,
        db: &Native,
        start: T,
        mut step: impl FnMut(T, Row) -> Result<ControlFlow<T, T>, StoreError>,
    ) -> Result<T, StoreError> {
        let mut statement = db.prepare_cached(self.sql)?;
        bind(&mut statement, &self.values)?;
        let columns = Columns::of(&statement);
        let mut rows = statement.raw_query();
        let mut so_far = start;
        while let Some(row) = rows.next()? {
            match step(so_far, Row::read(&columns, row)?)? {
                ControlFlow::Continue(next) => so_far = next,
                ControlFlow::Break(enough) => return Ok(enough),
            }
        }
        Ok(so_far)
    }
}

/// Binds `$n` to the nth value. SQLite treats `$n` as a name and numbers names by their first occurrence.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    let mut highest = 0;
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or_default();
        let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
        let number = number.ok_or_else(|| Error::InvalidParameterName(name.to_owned()))?;
        highest = highest.max(number);
        let value = number.checked_sub(1).and_then(|at| values.get(at));
        let value = value.ok_or(Error::InvalidParameterCount(values.len(), number))?;
        statement.raw_bind_parameter(index, value)?;
    }
    if highest == values.len() { Ok(()) } else { Err(Error::InvalidParameterCount(values.len(), highest)) }
}

/// A type that can be bound to a placeholder.
pub(crate) trait Bind {
    fn value(self) -> Value;
}

macro_rules! bind {
    ($($type:ty, |$value:ident| $as:expr;)*) => {
        $(impl Bind for $type {
            fn value(self) -> Value {
                let $value = self;
                $as
            }
        })*
    };
}

bind! {
    i64, |number| Value::Integer(number);
    f64, |number| Value::Real(number);
    bool, |yes| Value::Integer(yes.into());
    String, |text| Value::Text(text);
    &String, |text| Value::Text(text.clone());
    &str, |text| Value::Text(text.to_owned());
    Vec<u8>, |bytes| Value::Blob(bytes);
    &[u8], |bytes| Value::Blob(bytes.to_vec());
}

impl<T: Bind> Bind for Option<T> {
    fn value(self) -> Value {
        self.map_or(Value::Null, Bind::value)
    }
}
