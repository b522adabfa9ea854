"""The API that campaign staff query. Every answer is of the token's own organization."""
