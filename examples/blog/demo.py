"""The requests to try, which are printed at the start: each with what it answers."""

from aiohttp import web

from .keys import STORE, USERS
from .store import Comment

SAMPLE = web.AppKey("SAMPLE", Comment)


async def add_sample(app: web.Application) -> None:
    """Choose a comment, and so its post, to try things on; a blog without any gets one."""
    store = app[STORE]
    if not await store.latest_comments():
        post = await store.add_post("writer", "Welcome", "This is the first post.")
        await store.add_comment(post.id, "writer", "And this is the first comment.")
    app[SAMPLE] = (await store.latest_comments())[0]


def describe(app: web.Application, url: str) -> str:
    """Say where the blog is and what to try; `...` in an answer stands for whatever is there."""
    reader, writer, admin = (
        f"-H 'Authorization: Bearer {app[USERS][name].token}'" for name in ("reader", "writer", "admin")
    )
    sample = app[SAMPLE]
    posts, post, comment = f"{url}/posts", f"{url}/posts/{sample.post_id}", f"{url}/comments/{sample.id}"
    tea = """-d '{"title": "Tea", "text": "Green or black?"}'"""
    nice = """-d '{"text": "Nice."}'"""
    requests = [
        ("Everybody may list the posts.", posts, '200 [{"id": ...'),
        ("To read one takes a token.", post, '401 {"error": "send the header Authorization: Bearer TOKEN"}'),
        ("The reader has one.", f"{reader} {post}", f'200 {{"id": {sample.post_id}, ...'),
        ("But may not delete.", f"-X DELETE {reader} {post}", '403 {"error": "reader lacks post:write"}'),
        ("The writer writes a post.", f"{writer} {tea} {posts}", '201 {"id": ..., "title": "Tea", ...'),
        ("And comments on one.", f"{writer} {nice} {post}/comments", '201 {"id": ..., "text": "Nice."}'),
        ("Bad input is told.", f"{writer} -d '{{}}' {posts}", '422 {"error": "title must be a text of ...'),
        ("So is a post that is not there.", f"{reader} {url}/posts/0", '404 {"error": "there is no such post"}'),
        ("A view shows a comment.", f"{reader} {comment}", f'200 {{"id": {sample.id}, ...'),
        ("But only its author deletes it.", f"-X DELETE {reader} {comment}", '403 {"error": "only its author ...'),
        ("A sub-application is for the admin.", f"{admin} {url}/admin/counts", '200 {"posts": ..., "comments": ...}'),
        ("And for nobody else.", f"{writer} {url}/admin/counts", '403 {"error": "writer lacks admin"}'),
        ("The writer deletes the post.", f"-X DELETE {writer} {post}", "204"),
        ("Now it is gone.", f"{reader} {post}", '404 {"error": "there is no such post"}'),
    ]
    lines = [f"The blog is at {posts} now. Try these, from top to bottom:", ""]
    for about, arguments, answer in requests:
        lines += [about, f"  curl -i {arguments}", f"  -> {answer}", ""]
    return "\n".join([*lines, "Press Ctrl-C to stop."])
