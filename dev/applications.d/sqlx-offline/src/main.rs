//! A query that sqlx's macro checks against `.sqlx` at compile time, without a database.

use sqlx::{Connection, SqliteConnection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> sqlx::Result<()> {
    let mut database = SqliteConnection::connect("sqlite::memory:").await?;
    let table =
        "CREATE TABLE stock (name TEXT NOT NULL, count INTEGER); INSERT INTO stock VALUES ('a', 1), ('b', NULL)";
    sqlx::raw_sql(table).execute(&mut database).await?;
    for row in sqlx::query!("SELECT name, count FROM stock WHERE name >= ? ORDER BY name", "a")
        .fetch_all(&mut database)
        .await?
    {
        let count: Option<i64> = row.count;
        println!("{}: {count:?}", row.name);
    }
    Ok(())
}
