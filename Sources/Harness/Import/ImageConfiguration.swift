import FoundationEssentials
import Model
import Vocabulary

/// Why a document cannot be used, for people: what is wrong, and where.
package struct ImportError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description.printable }
}

/// What an image says of the containers that are made of it (OCI image-spec, config.md; what Docker adds: Healthcheck, Shell).
package struct ImageConfiguration: Hashable, Sendable {
    /// What goes before the command; empty: nothing.
    package var entrypoint: [String] = []
    /// The command, where the person who runs it gives none.
    package var command: [String] = []
    /// `NAME=value`.
    package var environment: [String] = []
    /// By name or number, `USER[:GROUP]`; empty: root.
    package var user = ""
    /// Absolute; nil: `/`.
    package var workingDirectory: String?
    package var stopSignal: Signal?
    /// Where anonymous volumes are mounted, in order.
    package var volumes: [String] = []
    /// TCP ports that the image says it listens on, in order.
    package var ports: [UInt16] = []
    package var healthCheck: HealthCheck?
    /// As Go calls it: `amd64`, `arm64`; nil: not said.
    package var architecture: String?
    /// `linux`, `windows`; nil: not said.
    package var system: String?
    /// The digests of the layers' uncompressed archives, the lowest first: `sha256:…`.
    package var layers: [String] = []

    /// An image that says nothing.
    package init() {}

    /// Reads the configuration's JSON.
    ///
    /// - Throws: `ImportError`.
    package init(json bytes: [UInt8]) throws {
        let document = try Document.read(ImageDocument.self, bytes, "the image's configuration")
        let config = document.config
        architecture = document.architecture
        system = document.os
        layers = document.rootfs?.diff_ids ?? []
        entrypoint = config?.Entrypoint ?? []
        command = config?.Cmd ?? []
        environment = (config?.Env ?? []).filter { !$0.hasPrefix("=") && $0.contains("=") }
        user = config?.User ?? ""
        workingDirectory = config?.WorkingDir.flatMap { $0.isEmpty ? nil : $0 }
        volumes = config?.Volumes?.keys.sorted() ?? []
        ports = (config?.ExposedPorts?.keys.sorted() ?? []).compactMap { text in
            let parts = text.split(separator: "/")
            return parts.count == 1 || parts.count == 2 && parts[1] == "tcp" ? parts.first.flatMap { UInt16($0) } : nil
        }
        if let text = config?.StopSignal, !text.isEmpty {
            guard let signal = Signal(text) else {
                throw ImportError("the image's configuration: StopSignal '\(text)' is no signal")
            }
            stopSignal = signal
        }
        healthCheck = config?.Healthcheck?.check
        for text in entrypoint + command + environment + volumes where text.utf8.contains(0) {
            throw ImportError("the image's configuration: a text has a NUL in it")
        }
        for path in volumes + [workingDirectory].compactMap(\.self)
        where !path.hasPrefix("/") || path.split(separator: "/").contains("..") {
            throw ImportError("the image's configuration: '\(path)' is not an absolute path without '..'")
        }
        volumes = volumes.map(ImageConfiguration.plain)
        workingDirectory = workingDirectory.map(ImageConfiguration.plain)
    }
}

extension ImageConfiguration {
    /// `/a/b` for `/a//b/.`
    private static func plain(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }
}

/// The documents that name an image's parts.
package enum ImageManifest {
    /// A part of an image, as the one who refers to it describes it.
    package struct Part: Hashable, Sendable {
        /// `sha256:…`; nil: not said.
        package let digest: String?
        /// Where it is, from the archive's root.
        package let path: String
        /// In bytes; nil: not said.
        package let size: Int?
    }

    /// An image: its configuration, and its layers, the lowest first.
    package struct Parts: Hashable, Sendable {
        package let configuration: Part
        package let layers: [Part]
        /// What it was saved as: `nginx:1.27`; empty: nothing.
        package let names: [String]
    }

    /// Reads `manifest.json`, as `docker save` and `podman save` write it: one image.
    ///
    /// - Throws: `ImportError`, also where there are several images.
    package static func ofArchive(_ bytes: [UInt8]) throws -> Parts {
        let all = try Document.read([ArchiveDocument].self, bytes, "manifest.json")
        guard let first = all.first else { throw ImportError("manifest.json names no image") }
        if all.count > 1 {
            let names = all.flatMap { $0.RepoTags ?? [] }.joined(separator: ", ")
            throw ImportError("there are \(all.count) images in it (\(names)): save one alone")
        }
        let digest = first.Config.split(separator: "/").last.flatMap { name -> String? in
            let text = name.hasSuffix(".json") ? name.dropLast(5) : name
            return ImageManifest.isHex(text) ? "sha256:\(text)" : nil
        }
        return Parts(
            configuration: Part(digest: digest, path: try safe(first.Config), size: nil),
            layers: try first.Layers.map { Part(digest: nil, path: try safe($0), size: nil) },
            names: first.RepoTags ?? [])
    }

    /// What an OCI index names: an image's manifest, or a further index; the one for this machine.
    ///
    /// - Parameter architecture: this machine's, as Go calls it.
    /// - Throws: `ImportError`: there is none for this machine, or there are several.
    package static func ofIndex(_ bytes: [UInt8], architecture: String) throws -> Part {
        let document = try Document.read(IndexDocument.self, bytes, "the index")
        // What buildx adds about an image is none.
        let images = document.manifests.filter {
            $0.annotations?["vnd.docker.reference.type"] == nil && $0.platform?.os != "unknown"
        }
        let own = images.filter {
            ($0.platform?.architecture ?? architecture) == architecture && ($0.platform?.os ?? "linux") == "linux"
        }
        guard let first = own.first else {
            if images.isEmpty { throw ImportError("the index names no image") }
            let others = images.compactMap(\.platform).map { "\($0.os ?? "?")/\($0.architecture ?? "?")" }
            throw ImportError(
                "there is no image for linux/\(architecture) in it, but for \(others.joined(separator: ", "))")
        }
        if Set(own.map(\.digest)).count > 1 {
            throw ImportError("there are \(own.count) images in it: copy one into a layout of its own")
        }
        return try part(first)
    }

    /// Whether a document is an index, and not an image's manifest.
    ///
    /// - Throws: `ImportError`.
    package static func isIndex(_ bytes: [UInt8]) throws -> Bool {
        try Document.read(KindDocument.self, bytes, "the manifest").isIndex
    }

    /// Reads an OCI manifest, or Docker's of schema 2.
    ///
    /// - Throws: `ImportError`.
    package static func ofImage(_ bytes: [UInt8]) throws -> Parts {
        let document = try Document.read(ManifestDocument.self, bytes, "the manifest")
        return Parts(
            configuration: try part(document.config), layers: try document.layers.map(part), names: [])
    }

    private static func part(_ descriptor: DescriptorDocument) throws -> Part {
        let digest = descriptor.digest
        guard digest.hasPrefix("sha256:"), isHex(digest.dropFirst(7)) else {
            throw ImportError("'\(digest.prefix(80))' is no digest: sha256:… and 64 hexadecimal digits")
        }
        if let size = descriptor.size, size < 0 { throw ImportError("\(digest): a size of \(size) bytes") }
        return Part(digest: digest, path: "blobs/sha256/\(digest.dropFirst(7))", size: descriptor.size)
    }

    static func isHex(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static func safe(_ path: String) throws -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if path.isEmpty || path.utf8.contains(0) || parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) {
            throw ImportError("manifest.json names '\(path.prefix(200))', which is no path inside the archive")
        }
        return path
    }
}

/// Reads JSON that strangers have written.
enum Document {
    /// More than this is none of these documents.
    static let limitInBytes = 4 << 20

    static func read<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8], _ name: String) throws -> Value {
        guard bytes.count <= limitInBytes else { throw ImportError("\(name) has more than 4 MiB") }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw ImportError("\(name) \(words(error))")
        } catch {
            throw ImportError("\(name) is no JSON")
        }
    }

    private static func words(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
            return path.isEmpty ? "" : " at \(path.prefix(200))"
        }
        return switch error {
        case .keyNotFound(let key, let context): "has no '\(key.stringValue)'\(place(context))"
        case .typeMismatch(let type, let context): "has something else than \(name(type))\(place(context))"
        case .valueNotFound(_, let context): "has null\(place(context))"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "is no JSON" : "has a value that cannot be\(place(context))"
        @unknown default: "is no JSON"
        }
    }

    private static func name(_ type: any Any.Type) -> String {
        switch "\(type)" {
        case "String": "a text"
        case "Int": "a number"
        case let text where text.hasPrefix("Array"): "a list"
        case let text where text.hasPrefix("Dictionary"): "an object"
        default: "what is expected"
        }
    }
}

// The documents as they are written; names as in the specifications.

private struct ImageDocument: Decodable {
    struct Config: Decodable {
        var Entrypoint: [String]?
        var Cmd: [String]?
        var Env: [String]?
        var User: String?
        var WorkingDir: String?
        var StopSignal: String?
        var Volumes: [String: Empty]?
        var ExposedPorts: [String: Empty]?
        var Healthcheck: HealthDocument?
    }
    struct Root: Decodable { var diff_ids: [String]? }

    var architecture: String?
    var os: String?
    var config: Config?
    var rootfs: Root?
}

/// An object of which only the presence counts.
private struct Empty: Decodable {
    init(from decoder: any Decoder) throws {}
}

/// Times in nanoseconds; 0: the usual (moby, api/types/container/config.go).
private struct HealthDocument: Decodable {
    var Test: [String]?
    var Interval: Int64?
    var Timeout: Int64?
    var Retries: Int?
    var StartPeriod: Int64?

    /// Nil where there is none: no test, or `NONE`.
    var check: HealthCheck? {
        guard let test = Test, let kind = test.first, test.count > 1 else { return nil }
        let command: [String]
        switch kind {
        case "CMD": command = Array(test.dropFirst())
        case "CMD-SHELL": command = ["/bin/sh", "-c", test[1]]
        default: return nil
        }
        func time(_ value: Int64?) -> Duration? { value.flatMap { $0 > 0 ? .nanoseconds($0) : nil } }
        return HealthCheck(
            command, interval: time(Interval), limit: time(Timeout), retries: Retries.flatMap { $0 > 0 ? $0 : nil },
            startPeriod: time(StartPeriod))
    }
}

private struct ArchiveDocument: Decodable {
    var Config: String
    var RepoTags: [String]?
    var Layers: [String]
}

private struct DescriptorDocument: Decodable {
    struct Platform: Decodable {
        var architecture: String?
        var os: String?
    }
    var digest: String
    var size: Int?
    var platform: Platform?
    var annotations: [String: String]?
}

private struct IndexDocument: Decodable { var manifests: [DescriptorDocument] }

private struct ManifestDocument: Decodable {
    var config: DescriptorDocument
    var layers: [DescriptorDocument]
}

private struct KindDocument: Decodable {
    var mediaType: String?
    var manifests: [DescriptorDocument]?
    var isIndex: Bool { manifests != nil }
}
