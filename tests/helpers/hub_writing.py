"""The endpoints of the local Hub that write: accounts, repositories, branches, uploads and commits."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
from typing import Any

from tests.helpers.hub_store import LFS_SUFFIXES, Blob


def matches(path: str, pattern: str) -> bool:
    """Whether a line of a .gitignore matches a file: its path from the top if it has a slash inside, else any step of it."""
    if "/" in pattern.rstrip("/"):
        return fnmatch.fnmatchcase(path, pattern.strip("/")) or path.startswith(f"{pattern.strip('/')}/")
    return any(fnmatch.fnmatchcase(step, pattern.rstrip("/")) for step in path.split("/"))


class Writing:
    """Methods of the handler of one request; see `hub._Handler` for the rest."""

    hub: Any
    headers: Any
    query: dict[str, list[str]]
    body: bytes
    answer: Any
    snapshot: Any

    def has_account(self) -> bool:
        """Whether the request has a token of the account."""
        return self.headers.get("Authorization", "").removeprefix("Bearer ") in self.hub.tokens

    def may_write(self, repo_id: str) -> bool:
        """Whether the account may write to a repository; if not, the answer has been sent."""
        if not self.has_account():
            self.answer(
                {"error": "Invalid credentials in Authorization header"}, 401, {"X-Error-Message": "Invalid credentials"}
            )
        elif repo_id.partition("/")[0] in self.hub.read_only and "create_pr" not in self.query:
            self.answer({"error": "You don't have the rights to write here"}, 403, {"X-Error-Message": "no rights"})
        else:
            return True
        return False

    def whoami(self) -> None:
        if self.hub.is_mirror:
            return self.answer({"error": "no such endpoint"}, 404)
        if not self.has_account():
            return self.answer({"error": "Invalid username or password."}, 401)
        return self.answer({"type": "user", "name": "tester", "orgs": [], "auth": {"type": "access_token"}})

    def validate_yaml(self) -> None:
        errors, warnings = ([{"message": text} for text in texts] for texts in (self.hub.card_errors, self.hub.card_warnings))
        self.answer({"errors": errors, "warnings": warnings}, 400 if errors else 200)

    def create(self) -> None:
        wanted = json.loads(self.body)
        repo_id = f"{wanted.get('organization') or 'tester'}/{wanted['name']}"
        url = f"{self.hub.url}/datasets/{repo_id}"
        if not self.may_write(repo_id):
            return None
        if repo_id in self.hub.repos:
            return self.answer({"error": "You already created this dataset repo", "url": url}, 409)
        self.hub.put(repo_id, {})
        self.hub.repos[repo_id].private = wanted.get("private") is True or wanted.get("visibility") == "private"
        return self.answer({"url": url, "name": repo_id})

    def preupload(self, repo_id: str, revision: str) -> None:
        if (found := self.snapshot(repo_id, revision)) is None or not self.may_write(repo_id):
            return
        asked = json.loads(self.body)
        there = found[1][".gitignore"].data.decode() if ".gitignore" in found[1] else ""
        patterns = asked.get("gitIgnore", there).split()
        rows = []
        for file in asked["files"]:
            known = found[1].get(file["path"])
            mode = "lfs" if file["path"].endswith(LFS_SUFFIXES) else "regular"
            oid = None if known is None else known.etag
            ignored = any(matches(file["path"], pattern) for pattern in patterns)
            rows.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": ignored, "oid": oid})
        self.answer({"files": rows})

    def lfs_batch(self, repo_id: str) -> None:
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            entry = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.hub.lfs:
                link = {"href": f"{self.hub.url}/store/{wanted['oid']}"}
                entry["actions"] = {"upload": link, "verify": link}
            objects.append(entry)
        self.answer({"transfer": "basic", "objects": objects})

    def lfs_put(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self.answer({"error": "the content does not have this sha256"}, 400)
        self.hub.lfs[oid] = self.body
        return self.answer({})

    def lfs_verify(self, oid: str) -> None:
        self.answer({}, 200 if oid in self.hub.lfs else 404)

    def commit(self, repo_id: str, revision: str) -> None:
        if (found := self.snapshot(repo_id, revision)) is None or not self.may_write(repo_id):
            return None
        sha, files = found[0], dict(found[1])
        pull = self.query.get("create_pr") == ["1"]
        for line in self.body.splitlines():
            item = json.loads(line)
            kind, value = item["key"], item["value"]
            if kind == "header" and value.get("parentCommit", sha) != sha and not pull:
                return self.answer({"error": "A commit has happened since. Please refresh and try again."}, 412)
            if kind == "file":
                files[value["path"]] = Blob(self.hub.kept(value["path"], base64.b64decode(value["content"])), lfs=False)
            elif kind == "lfsFile":
                files[value["path"]] = Blob(self.hub.kept(value["path"], self.hub.lfs[value["oid"]]), lfs=True)
            elif kind in ("deletedFile", "deletedFolder"):
                gone = value["path"].rstrip("/")
                files = {path: blob for path, blob in files.items() if path != gone and not path.startswith(f"{gone}/")}
        with self.hub.lock:
            repo = self.hub.repos[repo_id]
            repo.pulls += pull
            new = repo.commit(files, f"refs/pr/{repo.pulls}" if pull else revision)
        place = f"{self.hub.url}/datasets/{repo_id}"
        more = {"pullRequestUrl": f"{place}/discussions/{repo.pulls}"} if pull else {}
        return self.answer({"commitOid": new, "commitUrl": f"{place}/commit/{new}", **more})

    def point(self, repo_id: str, revision: str) -> None:
        """A tag on a revision (its name is in the body), or a new branch (its name is in the path)."""
        wanted = json.loads(self.body) if self.body else {}
        start = revision if "tag" in wanted else wanted.get("startingPoint")
        if (found := self.snapshot(repo_id, start)) is None or not self.may_write(repo_id):
            return
        with self.hub.lock:
            self.hub.repos[repo_id].refs[wanted.get("tag", revision)] = found[0]
        self.answer({})
