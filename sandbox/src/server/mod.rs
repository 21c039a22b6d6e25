//! The server: connections and their limits, HTTP, and the path of one request.

mod connections;
mod http;
mod request_context;
mod request_limits;
mod response;
mod role_credentials;
mod session_socket;

pub(crate) use http::serve;
