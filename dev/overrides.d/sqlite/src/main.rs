//! SQLCipher as the crate brings it along, with ciphers of the system's OpenSSL.

fn main() -> rusqlite::Result<()> {
    let connection = rusqlite::Connection::open("encrypted.db")?;
    connection.pragma_update(None, "key", "secret")?;
    connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (42);")?;
    let version: String = connection.query_row("PRAGMA cipher_version", [], |row| row.get(0))?;
    let x: i64 = connection.query_row("SELECT x FROM t", [], |row| row.get(0))?;
    println!("SQLCipher {version}: {x}");
    let head = std::fs::read("encrypted.db").unwrap();
    println!("encrypted: {}", !head.starts_with(b"SQLite format 3"));
    Ok(())
}
