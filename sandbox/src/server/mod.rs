//! The server: connections and their limits, HTTP, and what one request goes through.

pub mod connections;
mod exchange;
mod gate;
mod http;
mod role_credentials;
mod session_socket;

pub use http::serve;
