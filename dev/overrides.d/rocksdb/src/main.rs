//! RocksDB as the crate brings it along, with two libraries of the system.

use rocksdb::{DB, DBCompressionType, Options};

fn main() -> Result<(), rocksdb::Error> {
    let mut options = Options::default();
    options.create_if_missing(true);
    for compression in [DBCompressionType::Lz4, DBCompressionType::Zstd] {
        options.set_compression_type(compression);
        let database = DB::open(&options, format!("{compression:?}"))?;
        database.put(b"key", b"value")?;
        database.flush()?;
        println!("{compression:?}: {}", String::from_utf8(database.get(b"key")?.unwrap()).unwrap());
    }
    Ok(())
}
