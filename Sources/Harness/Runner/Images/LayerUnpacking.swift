import Kernel
import Vocabulary

/// Unpacks an archive into a directory of the host, in a container that sees nothing of the host but what it may not change: by
/// this machine's tar, gzip, zstd, xz or bzip2.
///
/// Belongs to a thread of the session.
struct LayerUnpacking {
    let session: Session

    /// Larger archives, unpacked, are refused, and those of more files.
    static let sizeLimitInBytes = 32 << 30
    static let fileLimit = 1_000_000
    private static let depthLimit = 200
    private static let patience = Duration.seconds(900)
    /// What decompresses may need a large window (zstd --long), and a hostile archive may ask for any.
    private static let memoryLimitInBytes = 1 << 30

    /// What an archive was.
    struct Outcome {
        /// Of what it is when it is not compressed: `sha256:…`.
        let plainDigest: String
        /// Likewise, in bytes.
        let size: Int
    }

    /// How an archive is compressed, by its first bytes.
    private enum Compression: String {
        case none = "cat"
        case gzip, zstd, xz, bzip2

        var command: String {
            switch self {
            case .none: "cat"
            // Windows of up to 2 GiB, which it takes to be asked for; the limit on memory holds.
            case .zstd: "zstd -dc --long=31"
            default: "\(rawValue) -dc"
            }
        }

        init(of path: String) throws {
            let bytes = try Descriptor.open(path, .read).read(upTo: 6)
            func begins(_ magic: [UInt8]) -> Bool { bytes.starts(with: magic) }
            self =
                if begins([0x1F, 0x8B]) {
                    .gzip
                } else if begins([0x28, 0xB5, 0x2F, 0xFD]) {
                    .zstd
                } else if begins([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
                    .xz
                } else if begins(Array("BZh".utf8)) {
                    .bzip2
                } else {
                    .none
                }
        }
    }

    /// Nothing is taken from the archive but what its digests are made of before tar has seen the end of it. tar goes on with a pipe
    /// until it is empty; what it prints are names, and a closed pipe ends it when there are too many.
    private static let script = #"""
        cd /tmp || exit 99
        tar --version 2> /dev/null | grep -q GNU || { echo no-tar; exit; }
        command -v "${1%% *}" > /dev/null || { echo no-program; exit; }
        command -v sha256sum > /dev/null || { echo no-sum; exit; }
        mkfifo raw plain all || exit 99
        sha256sum < raw > raw.sum & sha256sum < plain > plain.sum & wc -c < all > bytes &
        { tee -p raw < /input 2> /dev/null | $1 2> decompression; echo $? > decompressed; } | head -c "$2" | tee -p plain all 2> /dev/null | {
            LC_ALL=C tar -x -v -f - -C /.harness/tree --quoting-style=escape --numeric-owner --same-owner -p --xattrs \
                --xattrs-include='user.*' --xattrs-include=security.capability --warning=no-timestamp 2> complaints
            echo $? > unpacked
            cat > /dev/null
        } | head -n "$3" | wc -l > names
        wait
        echo "decompressed $(cat decompressed)"; echo "unpacked $(cat unpacked)"; echo "names $(cat names)"; echo "bytes $(cat bytes)"
        echo "raw $(cut -d ' ' -f 1 raw.sum)"; echo "plain $(cut -d ' ' -f 1 plain.sum)"
        [ -z "$(cd /.harness/tree && find . -mindepth "$4" -print -quit)" ] || echo deep
        head -c 300 decompression | tr '\n' ' ' | sed 's/^ */why /'; echo
        grep -v -e 'Exiting with failure status' -e 'Removing leading' complaints | head -n 1 | cut -c 1-300 | sed 's/^tar: /complaint /'
        """#

    /// - Parameters:
    ///   - archive: a file of the host.
    ///   - tree: an empty directory of the host.
    ///   - digest: what the archive is to be; nil: not known.
    ///   - plainDigest: what it is to be when it is not compressed.
    /// - Throws: `CannotRun`, with the archive's name in it.
    func unpack(
        _ archive: String, into tree: String, name: String, digest: String? = nil, plainDigest: String? = nil
    ) throws -> Outcome {
        let compression = try Compression(of: archive)
        let free = (try? Files.space(of: tree).freeInBytes) ?? .max
        let limit = min(LayerUnpacking.sizeLimitInBytes, free / 2)
        let said = try run(
            LayerUnpacking.script,
            [
                compression.command, String(limit), String(LayerUnpacking.fileLimit + 1),
                String(LayerUnpacking.depthLimit),
            ], archive: archive, tree: tree)
        var facts: [String: String] = [:]
        for line in said.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard let key = parts.first else { continue }
            if facts[key] == nil { facts[key] = parts.count > 1 ? parts[1] : "" }
        }
        func refuse(_ reason: String, remedy: String = "") -> CannotRun {
            CannotRun(reason: "\(name): \(reason)", remedy: remedy)
        }
        if facts["no-sum"] != nil { throw refuse("it takes sha256sum to verify it", remedy: "install coreutils") }
        if facts["no-tar"] != nil { throw refuse("it takes GNU tar to unpack it", remedy: "install tar") }
        if facts["no-program"] != nil {
            throw refuse(
                "it is compressed by \(compression), which this machine does not have",
                remedy: "install \(compression)")
        }
        guard let names = facts["names"].flatMap({ Int($0) }), let raw = facts["raw"], let plain = facts["plain"] else {
            throw refuse(
                "it could not be unpacked", remedy: "see that /bin/sh and mkfifo work in a container: harness doctor")
        }
        guard ImageLoader.isDigest("sha256:\(raw)"), ImageLoader.isDigest("sha256:\(plain)") else {
            throw refuse("sha256sum has failed", remedy: "install coreutils")
        }
        if names > LayerUnpacking.fileLimit { throw refuse("it has more than a million files") }
        if facts["deep"] != nil {
            throw refuse("directories in it are nested more than \(LayerUnpacking.depthLimit) deep")
        }
        if facts["bytes"].flatMap({ Int($0) }) == limit {
            throw refuse("unpacked, it has more than \(limit >> 20) MiB, or more than half of what is free here")
        }
        if facts["decompressed"] != "0" {
            throw refuse("it is damaged: \(facts["why"].map { $0.printable } ?? compression.rawValue)")
        }
        if let digest, digest != "sha256:\(raw)" { throw refuse("it is to be \(digest), and is sha256:\(raw)") }
        if let plainDigest, plainDigest != "sha256:\(plain)" {
            throw refuse("unpacked it is to be \(plainDigest), and is sha256:\(plain)")
        }
        guard facts["unpacked"] == "0" else {
            throw refuse("tar: \((facts["complaint"] ?? "status \(facts["unpacked"] ?? "?")").printable)")
        }
        return Outcome(plainDigest: "sha256:\(plain)", size: facts["bytes"].flatMap { Int($0) } ?? 0)
    }

    /// The digest of a file of the host: `sha256:…`.
    func digest(of file: String) throws -> String {
        let said = try run("sha256sum < /input", [], archive: file, tree: nil)
        return "sha256:\(said.prefix { $0 != " " })"
    }

    /// Takes away everything in a directory of the host, however deep.
    func clear(_ tree: String) throws {
        _ = try run("find /.harness/tree -mindepth 1 -delete", [], archive: nil, tree: tree)
    }

    private func run(_ script: String, _ arguments: [String], archive: String?, tree: String?) throws -> String {
        try ToolContainer(
            session: session, memoryLimitInBytes: LayerUnpacking.memoryLimitInBytes, patience: LayerUnpacking.patience
        ).run(script, arguments, input: archive, tree: tree)
    }
}
