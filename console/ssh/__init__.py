"""The console over SSH: what an administrator installs (`drop_in`, `installing`, `user_ca`), and what a connection may do (`words`,
`allowed`, `environment`). One account of the server serves all operators; who somebody is, they prove at the console.
"""
