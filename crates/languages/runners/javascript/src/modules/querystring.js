// `querystring`.

export const querystring = {
    parse(text) {
        const values = {};
        for (const [name, value] of new URLSearchParams(text)) {
            if (!Object.hasOwn(values, name)) values[name] = value;
            else values[name] = [].concat(values[name], value);
        }
        return values;
    },
    stringify: (values) => Object.entries(values ?? {}).flatMap(([name, value]) => [].concat(value).map((item) => `${encodeURIComponent(name)}=${encodeURIComponent(item)}`)).join("&"),
    escape: encodeURIComponent,
    unescape: decodeURIComponent,
};
