// A stand-in for ngx_stream_mqtt_preread_module on open nginx: it reads the client identifier and the user name
// from an MQTT 3.1.1 or 5.0 CONNECT packet. njs gives each session its own copy of these two variables.
var id = '', user = '';

// Thrown while the packet is not there yet as far as it is needed, and when no packet can begin like this.
var SHORT = {}, MALFORMED = {};

function preread(s) {
    s.on('upstream', function (data, flags) {
        try {
            decode(reader(data));
        } catch (e) {
            if (e === SHORT) {
                return;
            }
            if (e !== MALFORMED) {
                s.error(e.toString());
            }
        }
        s.decline();
    });
}

function skip(s) {
    s.decline();
}

function reader(data) {
    var at = 0;
    var r = {
        byte: function () {
            if (at >= data.length) {
                throw SHORT;
            }
            return data[at++];
        },
        skip: function (n) {
            at += n;
        },
        text: function () {
            var n = r.byte() * 256 + r.byte();
            if (at + n > data.length) {
                throw SHORT;
            }
            at += n;
            return data.toString('utf8', at - n, at);
        },
        varint: function () {
            var n = 0, scale = 1;
            for (var i = 0; i < 4; i++) {
                var b = r.byte();
                n += (b & 127) * scale;
                if (b < 128) {
                    return n;
                }
                scale *= 128;
            }
            throw MALFORMED;
        }
    };
    return r;
}

// What is not such a CONNECT leaves both variables empty.
function decode(r) {
    if (r.byte() != 0x10) {
        return;
    }
    r.varint();
    if (r.text() != 'MQTT') {
        return;
    }
    var level = r.byte(), flags = r.byte();
    if ((level != 4 && level != 5) || flags & 1) {
        return;
    }
    r.skip(2);
    properties(r, level);
    var found = r.text();
    if (flags & 4) {
        properties(r, level);
        r.text();
        r.text();
    }
    var name = flags & 128 ? r.text() : '';
    id = found;
    user = name;
}

function properties(r, level) {
    if (level == 5) {
        r.skip(r.varint());
    }
}

function clientid(s) {
    return id;
}

function username(s) {
    return user;
}

export default {preread, skip, clientid, username};
