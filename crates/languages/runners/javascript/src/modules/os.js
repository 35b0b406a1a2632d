// `os`: the machine is nobody's business.

export const os = {
    EOL: "\n",
    platform: () => "wasi",
    type: () => "WASI",
    arch: () => "wasm32",
    release: () => "",
    hostname: () => "localhost",
    homedir: () => "/",
    tmpdir: () => "/tmp",
    cpus: () => [],
    totalmem: () => 0,
    freemem: () => 0,
    uptime: () => performance.now() / 1000,
    loadavg: () => [0, 0, 0],
    networkInterfaces: () => ({}),
    endianness: () => "LE",
    userInfo: () => ({ username: "guest", uid: -1, gid: -1, shell: null, homedir: "/" }),
};
