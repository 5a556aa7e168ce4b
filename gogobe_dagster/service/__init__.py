"""The read-only HTTP service: the questions as JSON, with OpenAPI.

app         puts the parts together
routes      one function for each address
models      what the answers look like, with the meanings of columns
parameters  what requests may say
problems    errors as application/problem+json with stable codes
guard       limits of size, time and number, and keys, before anything is read
caching     ETag and Cache-Control by the last load
page_files  serves the page for people, whose HTML, CSS and JavaScript are in the folder page
server      the HTTP server: loopback unless told otherwise
"""
