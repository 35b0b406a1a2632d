// `path`, of POSIX.

const cwd = "/";

function normalizeSegments(text, absolute) {
    const kept = [];
    for (const segment of text.split("/")) {
        if (segment === "" || segment === ".") continue;
        if (segment === ".." && kept.length > 0 && kept.at(-1) !== "..") kept.pop();
        else if (segment !== ".." || !absolute) kept.push(segment);
    }
    return kept.join("/");
}

function text(value) {
    if (typeof value !== "string") throw new TypeError("a path is a string");
    return value;
}

export const path = {
    sep: "/",
    delimiter: ":",
    normalize(name) {
        const absolute = text(name).startsWith("/");
        const plain = normalizeSegments(name, absolute);
        const ended = name.endsWith("/") && plain !== "" ? `${plain}/` : plain;
        return absolute ? `/${ended}` : ended || ".";
    },
    join: (...names) => path.normalize(names.map(text).filter((name) => name !== "").join("/") || "."),
    resolve(...names) {
        let resolved = "";
        for (let at = names.length - 1; at >= -1 && !resolved.startsWith("/"); at -= 1) {
            const name = at >= 0 ? text(names[at]) : cwd;
            if (name !== "") resolved = resolved === "" ? name : `${name}/${resolved}`;
        }
        return `/${normalizeSegments(resolved, true)}`;
    },
    isAbsolute: (name) => text(name).startsWith("/"),
    dirname(name) {
        const trimmed = text(name).replace(/\/+$/, "");
        const at = trimmed.lastIndexOf("/");
        return at < 0 ? (trimmed === "" && name.startsWith("/") ? "/" : ".") : trimmed.slice(0, at).replace(/\/+$/, "") || "/";
    },
    basename(name, suffix) {
        const base = text(name).replace(/\/+$/, "").split("/").at(-1);
        return suffix !== undefined && base.endsWith(suffix) && base !== suffix ? base.slice(0, -suffix.length) : base;
    },
    extname(name) {
        const base = path.basename(name);
        const at = base.lastIndexOf(".");
        return at <= 0 ? "" : base.slice(at);
    },
    relative(from, to) {
        const [a, b] = [path.resolve(from), path.resolve(to)].map((name) => name.split("/").filter((segment) => segment !== ""));
        let same = 0;
        while (same < a.length && same < b.length && a[same] === b[same]) same += 1;
        return [...a.slice(same).map(() => ".."), ...b.slice(same)].join("/");
    },
    parse(name) {
        const base = path.basename(name);
        const ext = path.extname(name);
        const root = text(name).startsWith("/") ? "/" : "";
        const dir = path.dirname(name);
        return { root, dir: dir === "." && !name.startsWith(".") ? "" : dir, base, ext, name: ext === "" ? base : base.slice(0, -ext.length) };
    },
    format: ({ root = "", dir = "", base, name = "", ext = "" }) => `${dir === "" ? root : dir.endsWith("/") ? dir : `${dir}/`}${base ?? name + ext}`,
};
path.posix = path;
