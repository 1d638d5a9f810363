//! DuckDB as the crate brings it along.

fn main() -> duckdb::Result<()> {
    let connection = duckdb::Connection::open_in_memory()?;
    let (sum, version): (i64, String) =
        connection.query_row("SELECT 40 + 2, version()", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    println!("DuckDB {version}: {sum}");
    Ok(())
}
