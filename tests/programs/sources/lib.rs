// Empty: Cargo.toml beside this file says what it is for.
