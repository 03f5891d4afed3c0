using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using NUnit.Framework;

namespace Genlock.Tests
{
    /// <summary>
    /// The test vectors of the repository. They lie beside the package in a checkout; a package that came another way skips
    /// the tests that need them, unless GENLOCK_VECTORS says where they are.
    /// </summary>
    internal static class Vectors
    {
        internal static string Folder([CallerFilePath] string here = "")
        {
            var told = Environment.GetEnvironmentVariable("GENLOCK_VECTORS");
            if (!string.IsNullOrEmpty(told))
            {
                return told;
            }
            for (var folder = new FileInfo(here).Directory; folder != null; folder = folder.Parent)
            {
                var vectors = Path.Combine(folder.FullName, "tests", "vectors");
                if (File.Exists(Path.Combine(vectors, "index.json")))
                {
                    return vectors;
                }
            }
            Assert.Ignore("the test vectors are not beside this package; GENLOCK_VECTORS can say where they are");
            return "";
        }

        internal static byte[] Bytes(string path)
        {
            return File.ReadAllBytes(Path.Combine(Folder(), path + ".msgpack"));
        }

        internal static IDictionary<string, object> Words(string path)
        {
            return (IDictionary<string, object>)Json.Parse(File.ReadAllText(Path.Combine(Folder(), path + ".json")));
        }

        internal static IDictionary<string, object> Meaning(string path)
        {
            return (IDictionary<string, object>)Words(path)["meaning"];
        }

        /// <summary>The paths in the index of messages that one side sends.</summary>
        internal static List<string> Good(string from)
        {
            return Entries("good").Where(entry => (string)entry["from"] == from)
                .Select(entry => (string)entry["path"]).ToList();
        }

        internal static List<string> Bad()
        {
            return Entries("bad").Select(entry => (string)entry["path"]).ToList();
        }

        internal static List<IDictionary<string, object>> Spaces(string of)
        {
            var all = (IDictionary<string, object>)Json.Parse(File.ReadAllText(Path.Combine(Folder(), "spaces.json")));
            return ((IEnumerable<object>)all[of]).Cast<IDictionary<string, object>>().ToList();
        }

        internal static byte[] Hex(object value)
        {
            var digits = (string)((IDictionary<string, object>)value)["hex"];
            var bytes = new byte[digits.Length / 2];
            for (var i = 0; i < bytes.Length; i++)
            {
                bytes[i] = Convert.ToByte(digits.Substring(2 * i, 2), 16);
            }
            return bytes;
        }

        private static IEnumerable<IDictionary<string, object>> Entries(string list)
        {
            var index = (IDictionary<string, object>)Json.Parse(File.ReadAllText(Path.Combine(Folder(), "index.json")));
            return ((IEnumerable<object>)index[list]).Cast<IDictionary<string, object>>();
        }
    }
}
