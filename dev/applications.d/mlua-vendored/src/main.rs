//! Lua from `lua-src`: a script that calls back into Rust.

use mlua::{Lua, Result, Table};

fn main() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set("twice", lua.create_function(|_, n: i64| Ok(n * 2))?)?;
    let script = r#"
        local found = {}
        for word, n in ("a=1, b=20"):gmatch("(%a)=(%d+)") do found[#found + 1] = word .. twice(tonumber(n)) end
        return { version = _VERSION, joined = table.concat(found, "+") }
    "#;
    let answer: Table = lua.load(script).eval()?;
    println!("{}: {}", answer.get::<String>("version")?, answer.get::<String>("joined")?);
    Ok(())
}
