# Somebody else's library.
data: _: data
