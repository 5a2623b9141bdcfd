import Model
import Vocabulary

/// What a document says of containers, as a scenario.
package struct ImportedDocument: Sendable {
    /// What there is; of several containers each is a member. Without steps.
    package var scenario: Scenario
    /// Docker's `--init`: an init is in front of the command.
    package var usesInit = false
    /// Those of several containers in front of whose commands an init is.
    package var membersWithInit: Set<String> = []
    /// What is not carried over, or not quite, each with its place.
    package var remarks: [String] = []

    init(_ scenario: Scenario) { self.scenario = scenario }
}

/// Documents of engines and orchestrators.
package enum ContainerDocument {
    /// What one is.
    package enum Kind: String, Sendable {
        case dockerInspect = "docker inspect"
        case podmanInspect = "podman inspect"
        case compose = "docker compose config"
        case composeFile = "a Compose file"
        case manifest = "a Kubernetes manifest"
        case kubernetes = "a Kubernetes object"
    }

    /// Reads `docker inspect`, `podman inspect`, `docker compose config --format json`, or a Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet,
    /// Job or CronJob, or a list of them, as `kubectl get -o json` prints them.
    ///
    /// - Parameter engine: who has the images that are named: `docker` or `podman`; nil: who is asked is the document's own engine.
    /// - Returns: one for each container, project or pod.
    /// - Throws: `ImportError`.
    package static func read(_ bytes: [UInt8], engine: String? = nil) throws -> (
        kind: Kind, documents: [ImportedDocument]
    ) {
        let root = try JSONNode(bytes, name: "the document")
        if root.isList {
            let all = try root.list()
            guard let first = all.first else { throw ImportError("the document is an empty list") }
            guard first.has("Config"), first.has("HostConfig") || first.has("State") else {
                throw ImportError("the document is a list, and not of containers, as docker inspect prints them")
            }
            let isPodman = first.has("OCIRuntime") || first.has("ConmonPidFile") || first.has("OCIConfigPath")
            return (
                isPodman ? .podmanInspect : .dockerInspect,
                try all.map {
                    try inspected($0, isPodman: isPodman, engine: engine ?? (isPodman ? "podman" : "docker"))
                }
            )
        }
        guard root.isObject else { throw root.wrong("an object or a list") }
        if root.has("kind") { return (.kubernetes, try objects(of: root, engine: engine ?? "docker")) }
        if root.has("services") {
            // `$$` is how `config` writes a `$`, so that it is none of a variable.
            let plain = root.mappingTexts { $0.replacing("$$", with: "$") }
            return (.compose, [try project(plain, engine: engine ?? "docker")])
        }
        throw ImportError(
            "the document is neither what docker inspect, docker compose config nor kubectl get -o json prints")
    }

    /// Reads what YAML was made of: a Compose file as people write it, or Kubernetes' manifests.
    ///
    /// - Parameters:
    ///   - bytes: JSON, a list of the file's documents.
    ///   - folder: where the file is: a Compose file's relative paths are from there.
    ///   - variables: the value of a variable that a Compose file names; nil: it is not set.
    /// - Throws: `ImportError`.
    package static func readYAML(
        _ bytes: [UInt8], engine: String? = nil, folder: String, variables: (String) -> String?
    ) throws -> (kind: Kind, documents: [ImportedDocument]) {
        let root = try JSONNode(bytes, name: "the document")
        var all = try root.list().filter(\.isObject)
        if all.count == 1 { all[0] = all[0].asDocument }
        if let project = all.first(where: { $0.has("services") }) {
            if all.count > 1 { project.note("of \(all.count) documents the first one with services is read") }
            // As Compose calls a project that has no name.
            let usual = folder.split(separator: "/").last.map { name(String($0).lowercased(), at: project) }
            let budget = ComposeFile.Budget()
            let filled = try project.mappingTexts { try ComposeFile.interpolated($0, variables, budget: budget) }
            return (
                .composeFile,
                [
                    try self.project(
                        filled, engine: engine ?? "docker", variables: variables, folder: folder,
                        usual: usual ?? "project")
                ]
            )
        }
        guard all.contains(where: { $0.has("kind") }) else {
            throw ImportError("the document has neither 'services', as Compose's, nor a 'kind', as Kubernetes'")
        }
        return (.manifest, try objects(in: all, engine: engine ?? "docker"))
    }

    // MARK: - What they have in common

    /// A name of the language: letters, digits, `-` and `_`.
    static func name(_ text: String, at node: JSONNode) -> String {
        let own = String(
            text.drop { $0 == "/" }.map { character in
                character.isASCII && (character.isLetter || character.isNumber || character == "-" || character == "_")
                    ? character : "-"
            })
        return own.isEmpty ? "container" : own
    }

    static func image(_ node: JSONNode?, engine: String) throws -> String? {
        guard let name = try node?.string(), !name.isEmpty else { return nil }
        return "\(engine):\(name)"
    }

    static func signal(_ node: JSONNode) throws -> Signal {
        let text = try node.string()
        guard let signal = Signal(text) else { throw ImportError("\(node.path): '\(text)' is no signal") }
        return signal
    }

    /// `1m30s`, as Go writes it.
    static func duration(_ node: JSONNode) throws -> Duration {
        let text = try node.string()
        // Go writes units that are zero, too: 1m0s.
        var seconds = Duration.zero
        var number = ""
        var unit = ""
        var isRead = false
        func add() -> Bool {
            let units: [String: Duration] = [
                "h": .seconds(3600), "m": .seconds(60), "s": .seconds(1), "ms": .milliseconds(1),
                "us": .microseconds(1),
                "µs": .microseconds(1), "ns": .nanoseconds(1),
            ]
            guard let amount = Double(number), amount.isFinite, amount < 1e9, let one = units[unit] else {
                return false
            }
            seconds += one * amount
            return true
        }
        for character in text {
            if character.isNumber || character == "." {
                if !unit.isEmpty {
                    guard add() else { throw ImportError("\(node.path): '\(text)' is no duration") }
                    (number, unit) = ("", "")
                }
                number.append(character)
            } else {
                unit.append(character)
            }
            isRead = true
        }
        guard isRead, add() else { throw ImportError("\(node.path): '\(text)' is no duration") }
        return seconds
    }

    /// Bytes: a number, `64m` of Docker, `64Mi` and `64M` of Kubernetes.
    ///
    /// - Parameter isDockers: `64M` is of 1024 twice, as everywhere in Docker and Compose (docker/go-units, RAMInBytes).
    static func size(_ node: JSONNode, isDockers: Bool = false) throws -> Int {
        let text = isDockers ? try node.string().lowercased() : try node.string()
        let units: [(String, Double)] = [
            ("Ki", 1024), ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("Ti", 1_099_511_627_776), ("kb", 1024),
            ("mb", 1_048_576),
            ("gb", 1_073_741_824), ("k", isDockers ? 1024 : 1000), ("M", 1e6), ("G", 1e9), ("T", 1e12),
            ("m", 1_048_576),
            ("g", 1_073_741_824), ("b", 1),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            if let number = Double(text.dropLast(unit.count)), number > 0, number * factor < 1e15 {
                return Int(number * factor)
            }
        }
        guard let number = Double(text), number > 0, number < 1e15 else {
            throw ImportError("\(node.path): '\(text)' is no size")
        }
        return Int(number)
    }

    /// A working directory; nil: the root, where every container begins.
    static func workingDirectory(_ node: JSONNode?) throws -> String? {
        guard let node, try !node.string().isEmpty else { return nil }
        let text = try path(node)
        return text == "/" ? nil : text
    }

    /// A limit on processes; nil: none, or more than there may be here.
    static func processLimit(_ node: JSONNode?) throws -> Int? {
        guard let node, case let number = try node.int(), number > 0 else { return nil }
        if number <= 10_000 { return number }
        node.note("\(node.path): \(number) processes are more than a container has here")
        return nil
    }

    /// A limit on memory; nil: none, or one that cannot be had.
    static func memoryLimit(_ node: JSONNode?, isDockers: Bool = false) throws -> Int? {
        guard let node, case let size = try size(node, isDockers: isDockers), size > 0 else { return nil }
        // What the language can say: whole KiB from 6 MiB on.
        let whole = (size >> 10) << 10
        if (6 << 20...1 << 40).contains(whole) { return whole }
        node.note("\(node.path): a limit of \(size) bytes cannot be had here")
        return nil
    }

    /// A command of a hook or a check; nil: an empty one.
    static func command(_ words: [String]) -> [String]? { words.first.map { $0.isEmpty } ?? true ? nil : words }

    /// Names, each once: a further one of a name has a number after it.
    static func unique(_ members: [Member]) -> [Member] {
        var seen: Set<String> = []
        return members.map { member in
            var (result, number) = (member, 2)
            while !seen.insert(result.name).inserted {
                result.name = "\(member.name)-\(number)"
                number += 1
            }
            return result
        }
    }

    static func path(_ node: JSONNode) throws -> String {
        let text = try node.string()
        guard text.hasPrefix("/"), !text.split(separator: "/").contains("..") else {
            throw ImportError("\(node.path): '\(text)' is not an absolute path")
        }
        return text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// A user by number; by name it has to be looked up in the image.
    static func setUser(_ node: JSONNode?, of scenario: inout Scenario) throws {
        guard let node else { return }
        let text = try node.string()
        if text.isEmpty { return }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let user = UInt32(parts[0]), let group = parts.count > 1 ? UInt32(parts[1]) : 0 else {
            return node.note(
                "\(node.path): '\(text)' is a name, which the image alone can tell: `--user \(text)` of check does")
        }
        scenario.settings.user = Owner(user: user, group: group)
    }

    static func addCapabilities(_ node: JSONNode?, to scenario: inout Scenario) throws {
        for own in try node?.list() ?? [] {
            let name = String(try own.string().uppercased().trimmingPrefix("CAP_"))
            if let capability = Capability(rawValue: name) {
                scenario.settings.capabilities.append(capability)
            } else {
                own.note("\(own.path): \(name) is none of the capabilities that stay inside")
            }
        }
    }

    /// Docker's and Compose's options of the kernel's security: of one the harness knows the meaning.
    static func readSecurityOptions(_ node: JSONNode?, into scenario: inout Scenario) throws {
        for own in try node?.list() ?? [] {
            let option = try own.string()
            switch option {
            case "no-new-privileges", "no-new-privileges:true", "no-new-privileges=true":
                scenario.settings.hasNoNewPrivileges = true
            case "no-new-privileges:false", "no-new-privileges=false": continue
            default: own.note("\(own.path): '\(option)' is not carried over")
            }
        }
    }

    /// A health check of Docker: `["CMD", …]`, `["CMD-SHELL", TEXT]` or `["NONE"]`.
    static func healthTest(_ words: [String]) -> [String]? {
        guard let kind = words.first, words.count > 1 else { return nil }
        switch kind {
        case "CMD": return Array(words.dropFirst())
        case "CMD-SHELL": return ["/bin/sh", "-c", words[1]]
        default: return nil
        }
    }

    static func volumeName(_ text: String, _ count: Int) -> String {
        let isName =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || [0x2D, 0x2E, 0x5F].contains(byte)
            } && text.first.map { $0 != "." && $0 != "-" && $0 != "_" } == true
        return isName ? text : "v\(count + 1)"
    }
}
