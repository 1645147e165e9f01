#!/usr/bin/env python3
"""Replays case files such as faults.json against SCIM servers, and prints what fails.  Standard library only.

    run.py FILE... --standalone PATH [--emu PATH] [--own-table PATH]   start a fresh server for each preset and product
                                                      (loopback; cases of a product whose path is not given are skipped)
    run.py FILE... --url URL --token TOKEN            against one started server: only cases of --preset (default all)
    options: --preset P[,P]  --only ID[,ID]  --keep true|false  --fresh (a server for each case)  -v

A case: {id, source, title, preset, product?, args?, before: [step], request: step, expected: {…}, then: [step with expected]}.
A step: {method, path, headers?, body?, raw?, save?: {name: pointer}, repeat?: n, parallel?: n, expected?}.
`${name}` in any text is what a step saved; `${u}` is new for each case, `${i}` the turn of a repeated step; a saved value of a
repeated step is also in the list `name[]`.  {"$each": "name[]", "as": X} as a list's only element is X for each, with `${it}`.
{"$text": "x", "times": n} is a long text; {"$pick": "name[]"} is that list's element of this turn; {"$range": n, "as": X} is X n times.  Paths are sent byte for byte after substitution unless they hold characters
that HTTP forbids, which are percent-encoded.
expected: {status: n|[n], headers?: {name: regex}, facts?: [fact], under_ms?: n}
fact: {at: JSON pointer} with one of  is | not | absent: true | present: true | has: subset | lacks: subset | len: n |
matches: regex | set: [..] (order ignored) | of+set (sub-attribute's values) | type: name | same_as: "${…}"
"""
import argparse, concurrent.futures as cf, http.client, json, os, re, signal, subprocess, sys, tempfile, time, urllib.parse, uuid


class Server:
    def __init__(self, argv):
        self.log = tempfile.TemporaryFile()
        self.p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.p.stdout.readline()
        ready = json.loads(line)
        self.url, self.token = ready["base_url"], ready.get("token", "T")

    def stop(self):
        self.p.send_signal(signal.SIGINT)
        try:
            self.p.wait(10)
        except subprocess.TimeoutExpired:
            self.p.kill()


def pointer(doc, at):
    if at in ("", None):
        return True, doc
    for part in at.lstrip("/").split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(doc, list) and re.fullmatch(r"\d+", part) and int(part) < len(doc):
            doc = doc[int(part)]
        elif isinstance(doc, dict) and part in doc:
            doc = doc[part]
        else:
            return False, None
    return True, doc


def subset(small, big):
    if isinstance(small, dict):
        return isinstance(big, dict) and all(k in big and subset(v, big[k]) for k, v in small.items())
    return small == big


def key(x):
    return json.dumps(x, sort_keys=True)


class Run:
    def __init__(self, url, token, verbose=False):
        u = urllib.parse.urlsplit(url)
        self.host, self.port, self.prefix, self.tls = u.hostname, u.port, u.path.rstrip("/"), u.scheme == "https"
        self.url, self.token, self.verbose = url, token, verbose
        self.vars = {}

    def sub(self, x, extra=None):
        v = {**self.vars, **(extra or {})}
        if isinstance(x, str):
            whole = re.fullmatch(r"\$\{([\w\[\]]+)\}", x)
            if whole and whole.group(1) in v:
                return v[whole.group(1)]
            return re.sub(r"\$\{([\w\[\]]+)\}", lambda m: str(v.get(m.group(1), m.group(0))), x)
        if isinstance(x, list):
            if len(x) == 1 and isinstance(x[0], dict) and "$each" in x[0]:
                return [self.sub(x[0]["as"], {**(extra or {}), "it": it, "n": n}) for n, it in enumerate(v[x[0]["$each"]])]
            return [self.sub(e, extra) for e in x]
        if isinstance(x, dict):
            if "$pick" in x:
                return v[x["$pick"]][v["i"]]
            if "$text" in x:
                return x["$text"] * x["times"]
            if "$range" in x:
                return [self.sub(x["as"], {**(extra or {}), "it": n}) for n in range(x["$range"])]
            return {self.sub(k, extra): self.sub(e, extra) for k, e in x.items()}
        return x

    def once(self, step, extra=None, conn=None):
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/scim+json"}
        data = None
        if "raw" in step:
            data = str(self.sub(step["raw"], extra)).encode()
            headers["Content-Type"] = "application/scim+json"
        elif "body" in step:
            data = json.dumps(self.sub(step["body"], extra), ensure_ascii=False).encode()
            headers["Content-Type"] = "application/scim+json"
        for k, v in step.get("headers", {}).items():
            if v is None:
                headers.pop(k, None)
            else:
                headers[k] = str(self.sub(v, extra))
        path = str(self.sub(step["path"], extra))
        path = urllib.parse.quote(path, safe="%/?&=+:;,@!$'()*[]~-._")
        own = conn is None
        if own:
            cls = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
            conn = cls(self.host, self.port, timeout=120)
        begun = time.monotonic()
        conn.request(step.get("method", "GET"), self.prefix + path, data, headers)
        r = conn.getresponse()
        text = r.read()
        took = (time.monotonic() - begun) * 1000
        if own:
            conn.close()
        try:
            body = json.loads(text) if text else None
        except ValueError:
            body = {"$unparsed": text[:500].decode("utf-8", "replace")}
        return r.status, {k.lower(): v for k, v in r.getheaders()}, body, took

    def step(self, step):
        """Returns (status, headers, body, ms, problems)."""
        n = step.get("repeat")
        if n is None:
            got = self.once(step)
            self.keep(step, got)
            return (*got, self.check(step.get("expected"), got))
        cls = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection

        def part(k, of):
            conn, out = cls(self.host, self.port, timeout=120), []
            for i in range(k, n, of):
                out.append((i, self.once(step, {"i": i}, conn)))
            conn.close()
            return out
        p = step.get("parallel", 1)
        if p == 1:
            all_ = part(0, 1)
        else:
            with cf.ThreadPoolExecutor(p) as ex:
                all_ = [x for xs in ex.map(lambda k: part(k, p), range(p)) for x in xs]
        all_.sort()
        problems = []
        for name, at in step.get("save", {}).items():
            self.vars[name + "[]"] = [pointer(g[2], at)[1] for _, g in all_]
        for i, g in all_:
            self.keep(step, g)
            problems += [f"turn {i}: {p}" for p in self.check(step.get("expected"), g)]
        return (*all_[-1][1], problems[:3])

    def keep(self, step, got):
        for name, at in step.get("save", {}).items():
            self.vars[name] = got[1].get(at[7:].lower()) if at.startswith("header:") else pointer(got[2], at)[1]

    def check(self, expected, got):
        if not expected:
            return [] if got[0] < 500 else [f"status {got[0]}"]
        status, headers, body, took = got
        bad = []
        want = expected.get("status")
        if want is not None and status not in (want if isinstance(want, list) else [want]):
            bad.append(f"status {status}, not {want}: {json.dumps(body, ensure_ascii=False)[:300]}")
        if "under_ms" in expected and took > expected["under_ms"]:
            bad.append(f"took {took:.0f} ms, not under {expected['under_ms']}")
        for name, rx in expected.get("headers", {}).items():
            v = headers.get(name.lower())
            if (rx is None and v is not None) or (rx is not None and (v is None or not re.search(self.sub(rx), v))):
                bad.append(f"header {name}: {v!r}, not {rx!r}")
        for f in expected.get("facts", []):
            f = self.sub(f)
            at = f.get("at", "")
            there, v = pointer(body, at)
            if "of" in f and isinstance(v, list):
                v = [pointer(e, f["of"])[1] for e in v]
            if f.get("absent"):
                if there:
                    bad.append(f"{at} is there: {json.dumps(v, ensure_ascii=False)[:200]}")
                continue
            if not there:
                if "lacks" in f or "not" in f:
                    continue
                bad.append(f"{at} is absent; body {json.dumps(body, ensure_ascii=False)[:300]}")
                continue
            show = json.dumps(v, ensure_ascii=False)[:300]
            if "is" in f and v != f["is"] or "is" in f and type(v) is bool and type(f["is"]) is not bool:
                bad.append(f"{at} = {show}, not {json.dumps(f['is'], ensure_ascii=False)[:200]}")
            if "not" in f and v == f["not"]:
                bad.append(f"{at} = {show}")
            if "has" in f and not (isinstance(v, list) and any(subset(f["has"], e) for e in v)):
                bad.append(f"{at} = {show} lacks {f['has']}")
            if "lacks" in f and isinstance(v, list) and any(subset(f["lacks"], e) for e in v):
                bad.append(f"{at} = {show} has {f['lacks']}")
            if "len" in f and (not hasattr(v, "__len__") or len(v) != f["len"]):
                bad.append(f"{at} has length {len(v) if hasattr(v, '__len__') else v}, not {f['len']}")
            if "matches" in f and not (isinstance(v, str) and re.search(f["matches"], v)):
                bad.append(f"{at} = {show} does not match {f['matches']}")
            if "set" in f and sorted(map(key, v if isinstance(v, list) else [v])) != sorted(map(key, f["set"])):
                bad.append(f"{at} = {show}, not the set {json.dumps(f['set'], ensure_ascii=False)[:200]}")
            if "type" in f and type(v).__name__ != f["type"]:
                bad.append(f"{at} is a {type(v).__name__}, not {f['type']}")
        return bad

    def case(self, c):
        self.vars = {"u": uuid.uuid4().hex[:10], "base": self.url}
        bad = []
        for s in c.get("before", []):
            *got, problems = self.step(s)
            if got[0] >= 400 and "expected" not in s:
                problems = problems or [f"status {got[0]}: {json.dumps(got[2])[:200]}"]
            bad += [f"before {s.get('method', 'GET')} {s['path']}: {p}" for p in problems]
        s = dict(c["request"])
        s["expected"] = c["expected"]
        status, headers, body, took, problems = self.step(s)
        bad += problems
        seen = {"status": status, "ms": round(took), "body": body}
        for s in c.get("then", []):
            st, h, b, ms, problems = self.step(s)
            bad += [f"then {s.get('method', 'GET')} {s['path']}: {p}" for p in problems]
            if s.get("expected"):
                seen.setdefault("then", []).append({"status": st, "ms": round(ms), "body": b})
        return bad, seen


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("files", nargs="+")
    a.add_argument("--standalone"), a.add_argument("--emu"), a.add_argument("--own-table"), a.add_argument("--url"), a.add_argument("--token", default="")
    a.add_argument("--preset"), a.add_argument("--only"), a.add_argument("--keep"), a.add_argument("--fresh", action="store_true")
    a.add_argument("-v", "--verbose", action="store_true"), a.add_argument("--dump")
    o = a.parse_args()
    cases = [c for f in o.files for c in json.load(open(f))]
    if o.preset:
        cases = [c for c in cases if c.get("preset") in o.preset.split(",")]
    if o.only:
        cases = [c for c in cases if c["id"] in o.only.split(",")]
    if o.keep:
        cases = [c for c in cases if str(c.get("keep", False)).lower() == o.keep]
    here = os.path.dirname(os.path.abspath(__file__))
    groups = {}
    by_hand = [c for c in cases if c.get("manual")]
    for c in by_hand:
        print(f"SKIP {c['id']:8} by hand: {c['how']}")
    cases = [c for c in cases if not c.get("manual")]
    for c in cases:
        groups.setdefault((c.get("product", "standalone"), c.get("preset", "interop"), tuple(c.get("args", [])),
                           c["id"] if o.fresh or c.get("fresh") else ""), []).append(c)
    passed, failed, skipped = 0, 0, len(by_hand)
    dump = {}
    for (product, preset, args, _), some in groups.items():
        server = None
        if o.url:
            run = Run(o.url, o.token, o.verbose)
        else:
            exe = {"emu": o.emu, "own_table": o.own_table}.get(product, o.standalone)
            if not exe:
                skipped += len(some)
                continue
            args = [x.replace("${here}", here) for x in args]
            argv = [exe, "serve", "--listen", "127.0.0.1:0", "--data", ":memory:"] if product == "emu" else \
                   [exe, "--listen", "127.0.0.1:0"] if product == "own_table" else \
                   [exe, "--listen", "127.0.0.1:0", "--data", ":memory:", "--leniency", preset]
            server = Server(argv + args)
            run = Run(server.url, server.token, o.verbose)
        try:
            for c in some:
                try:
                    bad, seen = run.case(c)
                except Exception as e:
                    bad, seen = [f"{type(e).__name__}: {e}"], None
                dump[c["id"]] = {"bad": bad, "seen": seen}
                passed, failed = passed + (not bad), failed + bool(bad)
                if bad or o.verbose:
                    print(f"{'FAIL' if bad else 'ok  '} {c['id']:8} [{product}/{preset}] {c['title']}")
                    for b in bad:
                        print(f"       - {b}")
                    if o.verbose and seen:
                        print("      ", json.dumps(seen, ensure_ascii=False)[:1500])
        finally:
            if server:
                server.stop()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    if o.dump:
        json.dump(dump, open(o.dump, "w"), indent=1, ensure_ascii=False)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
