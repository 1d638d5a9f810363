//! Lua of the system.

fn main() -> mlua::Result<()> {
    let lua = mlua::Lua::new();
    println!("{}", lua.load("_VERSION .. ': ' .. 6 * 7").eval::<String>()?);
    Ok(())
}
