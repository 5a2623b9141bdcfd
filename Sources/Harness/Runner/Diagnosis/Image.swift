import Kernel
import Model
import Sandbox

/// What the container's root has before anything runs: the scenario's own files over the image's.
struct Image {
    private let scenario: Scenario
    private let root: LayeredTree

    init(_ scenario: Scenario) {
        self.scenario = scenario
        root = (try? scenario.root()) ?? .host
    }

    /// How much of a file is read.
    private static let limitInBytes = 256 << 10

    /// The beginning of a file, by its path inside; nil where there is none.
    func bytes(of path: String) -> [UInt8]? {
        if let file = scenario.settings.files.first(where: { $0.path == path }) { return Array(file.text.utf8) }
        guard let place = root.find(path), Files.sizeOfRegularFile(place) != nil else { return nil }
        return try? Descriptor.open(place, .read).read(upTo: Image.limitInBytes)
    }

    func isDirectory(_ path: String) -> Bool { root.find(path).map(Files.isDirectory) ?? false }

    /// Whether there is something at a path.
    func has(_ path: String) -> Bool {
        scenario.settings.files.contains { $0.path == path } || root.find(path) != nil
    }

    /// The path of a program, as the runtime looks for it.
    func path(ofProgram name: String) -> String? {
        if name.contains("/") { return has(name) ? name : nil }
        let path = scenario.settings.environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5)
        let directories = (path.map(String.init) ?? Container.searchPath).split(separator: ":")
        return directories.lazy.map { "\($0)/\(name)" }.first(where: has)
    }

    /// Where programs leave what is of one life only.
    private static let places = ["/run", "/var/run", "/var/lock", "/tmp", "/var/lib", "/data"]

    /// Files of the image below these places, two levels deep at most; none of the host's own root, whose files are of its own life.
    func files(like isWanted: (String) -> Bool) -> [String] {
        if root.isHost { return [] }
        var result: Set<String> = []
        func look(_ directory: String, depth: Int) {
            for name in root.names(in: directory).prefix(200) {
                let path = "\(directory)/\(name)"
                guard let place = root.find(path), root.realPath(path) == path else { continue }
                if isWanted(path), Files.sizeOfRegularFile(place) != nil { result.insert(path) }
                if depth > 0, Files.isDirectory(place) { look(path, depth: depth - 1) }
            }
        }
        for place in Image.places where root.realPath(place) == place { look(place, depth: 1) }
        return result.sorted()
    }

    /// The mount, a tmpfs or a volume, that hides what the image has at a path; nil where none does.
    func mount(hiding path: String) -> String? {
        func isAbove(_ directory: String) -> Bool {
            path.hasPrefix(directory.hasSuffix("/") ? directory : directory + "/")
        }
        if scenario.settings.files.contains(where: { $0.path == path }) { return nil }
        if let tmpfs = scenario.settings.tmpfs.first(where: isAbove) { return "the tmpfs at \(tmpfs)" }
        // What the image has at a volume's place is copied into it, unless it is to be empty or has another origin.
        let volume = scenario.settings.volumes.first { isAbove($0.path) && ($0.isEmpty || $0.source != nil) }
        return volume.map { "the volume at \($0.path)" }
    }
}

/// Why the kernel would not execute a file, as its bytes show.
enum ExecProblem {
    case carriageReturn(line: String)
    case missingInterpreter(String, line: String)
    case missingLoader(String)
    case otherProcessor
    case noFirstLine

    /// Nil where nothing is wrong with it.
    init?(of bytes: [UInt8], in image: Image) {
        if bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) {
            guard let problem = ExecProblem.elf(bytes, image) else { return nil }
            self = problem
            return
        }
        let first = bytes.prefix { $0 != 0x0A }
        let line = Spelling.quoted(String(decoding: first.prefix(80), as: UTF8.self))
        guard first.starts(with: [0x23, 0x21]) else {
            self = .noFirstLine
            return
        }
        if first.last == 0x0D {
            self = .carriageReturn(line: line)
            return
        }
        let words = String(decoding: first.dropFirst(2), as: UTF8.self).split(separator: " ").map(String.init)
        guard let interpreter = words.first else {
            self = .noFirstLine
            return
        }
        // `#!/usr/bin/env NAME`: env is there as a rule, NAME may not be.
        let name = interpreter.hasSuffix("/env") && words.count > 1 ? words.last(where: { !$0.hasPrefix("-") }) : nil
        if !image.has(interpreter) {
            self = .missingInterpreter(interpreter, line: line)
        } else if let name, name != interpreter, image.path(ofProgram: name) == nil {
            self = .missingInterpreter(name, line: line)
        } else {
            return nil
        }
    }

    /// The fields of an ELF file of 64 bits, little-endian (elf(5)): e_machine, PT_INTERP.
    private static func elf(_ bytes: [UInt8], _ image: Image) -> ExecProblem? {
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset + size <= bytes.count else { return nil }
            return (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        guard bytes.count > 64, let machine = number(18, 2) else { return .otherProcessor }
        #if arch(x86_64)
            let own = 62
        #else
            let own = 183
        #endif
        if bytes[4] != 2 || machine != own { return .otherProcessor }
        guard let table = number(32, 8), let size = number(54, 2), let count = number(56, 2) else { return nil }
        for index in 0..<min(count, 64) {
            guard number(table + index * size, 4) == 3, let offset = number(table + index * size + 8, 8),
                let length = number(table + index * size + 32, 8), length > 1, offset + length <= bytes.count
            else { continue }
            let loader = String(decoding: bytes[offset..<offset + length - 1], as: UTF8.self)
            return image.has(loader) ? nil : .missingLoader(loader)
        }
        return nil
    }
}
