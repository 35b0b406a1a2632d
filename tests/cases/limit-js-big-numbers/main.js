try { 2n ** (2n ** 62n); } catch (error) { console.log(error.name); }
try { 1n << (1n << 40n); } catch (error) { console.log(error.name); }
let n = 3n;
for (;;) { try { n = n * n; } catch { n = 3n; } }
