//! SQLite from `libsqlite3-sys`: its version, and a query with a window function and JSON.

use rusqlite::{Connection, Result};

fn main() -> Result<()> {
    println!("SQLite {}", rusqlite::version());
    let database = Connection::open_in_memory()?;
    database
        .execute_batch("CREATE TABLE t (k TEXT, v INTEGER); INSERT INTO t VALUES ('a', 1), ('b', 20), ('a', 300);")?;
    let query = "SELECT json_object('k', k, 'sum', sum(v) OVER (PARTITION BY k ORDER BY v)) FROM t ORDER BY k, v";
    let mut statement = database.prepare(query)?;
    for row in statement.query_map([], |row| row.get::<_, String>(0))? {
        println!("{}", row?);
    }
    Ok(())
}
