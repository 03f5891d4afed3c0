using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace Genlock.Tests
{
    /// <summary>Every vector of the repository: what the client lays, byte for byte, and what it reads.</summary>
    public sealed class VectorTests
    {
        [Test]
        public void EveryMessageOfTheClientIsLaidByteForByte()
        {
            var seen = 0;
            foreach (var path in Vectors.Good("client"))
            {
                var laid = FromMeaning.Lay(Vectors.Meaning(path));
                if ((bool)Vectors.Words(path)["canonical"])
                {
                    Assert.AreEqual(BitConverter.ToString(Vectors.Bytes(path)), BitConverter.ToString(laid), path);
                    seen++;
                }
                else if (!path.EndsWith("later_minor"))
                {
                    AssertSame(Canonical(Vectors.Bytes(path)), Vectors.Meaning(path), path);
                }
            }
            Assert.Greater(seen, 20);
        }

        [Test]
        public void EveryMessageOfTheDaemonIsRead()
        {
            var decoder = new DaemonDecoder();
            var seen = 0;
            foreach (var path in Vectors.Good("daemon"))
            {
                var bytes = Vectors.Bytes(path);
                var meaning = Vectors.Meaning(path);
                var type = decoder.Read(bytes, 0, bytes.Length);
                Assert.AreEqual((string)meaning["type"], type.ToString().ToLowerInvariant(), path);
                var read = ToMeaning.Of(decoder, type);
                CollectionAssert.IsSubsetOf(meaning.Keys.Where(key => key != "type"), read.Keys, path);
                AssertSame(read, meaning, path);
                seen++;
            }
            Assert.Greater(seen, 15);
        }

        [Test]
        public void ForecastsAndProbabilitiesAreReadAsNumbers()
        {
            var decoder = new DaemonDecoder();
            var bits = new Dictionary<string, Devices>
            {
                { "head", Devices.Head }, { "left", Devices.LeftHand }, { "right", Devices.RightHand },
            };
            var seen = 0;
            foreach (var path in Vectors.Good("daemon").Where(path => path.StartsWith("actions/")))
            {
                var bytes = Vectors.Bytes(path);
                decoder.Read(bytes, 0, bytes.Length);
                var decoded = (IDictionary<string, object>)Vectors.Words(path)["decoded"];
                foreach (var device in (IDictionary<string, object>)decoded["f"])
                {
                    var poses = ((IEnumerable<object>)device.Value).Cast<IEnumerable<object>>().ToList();
                    Assert.AreEqual(poses.Count, decoder.Answer.HorizonCount, path);
                    for (var horizon = 0; horizon < poses.Count; horizon++)
                    {
                        WirePose pose;
                        Assert.IsTrue(decoder.Answer.TryGetForecast(bits[device.Key], horizon, out pose), path);
                        CollectionAssert.AreEqual(
                            poses[horizon].Select(Convert.ToSingle), new[] { pose.X, pose.Y, pose.Z, pose.Qx, pose.Qy, pose.Qz, pose.Qw },
                            path);
                        seen++;
                    }
                }
                WirePose several;
                Assert.IsFalse(
                    decoder.Answer.TryGetForecast(Devices.Head | Devices.LeftHand | Devices.RightHand, 0, out several), path);
                var shares = ((IEnumerable<object>)decoded["p"]).Select(Convert.ToSingle).ToList();
                Assert.AreEqual(shares.Count, decoder.Answer.ProbabilityCount, path);
                for (var i = 0; i < shares.Count; i++)
                {
                    Assert.AreEqual(shares[i], decoder.Answer.Probability(i), path);
                }
            }
            Assert.Greater(seen, 5);
        }

        [Test]
        public void WhatIsNoMessageIsRefusedAndNothingElseHappens()
        {
            var decoder = new DaemonDecoder();
            var refused = 0;
            foreach (var path in Vectors.Bad())
            {
                var bytes = Vectors.Bytes(path);
                try
                {
                    decoder.Read(bytes, 0, bytes.Length);
                }
                catch (MsgPackException problem)
                {
                    Assert.IsNotEmpty(problem.Message);
                    refused++;
                }
            }
            foreach (var path in new[] { "truncated", "truncated_key", "trailing_bytes", "two_messages", "empty", "too_deep", "map_too_long" })
            {
                var bytes = Vectors.Bytes("bad/" + path);
                Assert.Throws<MsgPackException>(() => decoder.Read(bytes, 0, bytes.Length), path);
            }
            Assert.Greater(refused, 8);
        }

        [Test]
        public void APrefixOfAMessageIsRefused()
        {
            var decoder = new DaemonDecoder();
            foreach (var path in Vectors.Good("daemon"))
            {
                var bytes = Vectors.Bytes(path);
                for (var length = 0; length < bytes.Length; length++)
                {
                    Assert.Throws<MsgPackException>(() => decoder.Read(bytes, 0, length), path + " " + length);
                }
            }
        }

        [Test]
        public void DamagedMessagesNeverDoMoreThanBeRefused()
        {
            var decoder = new DaemonDecoder();
            var random = new Random(6);
            foreach (var path in Vectors.Good("daemon"))
            {
                var good = Vectors.Bytes(path);
                for (var round = 0; round < 300; round++)
                {
                    var bytes = (byte[])good.Clone();
                    for (var flips = random.Next(1, 4); flips > 0; flips--)
                    {
                        bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                    }
                    try
                    {
                        decoder.Read(bytes, 0, bytes.Length);
                    }
                    catch (MsgPackException)
                    {
                        // Refused: one of the two things that may happen.
                    }
                }
            }
        }

        [Test]
        public void UnityPosesBecomeOpenXrAndBack()
        {
            var spaces = Vectors.Spaces("unity");
            Assert.IsNotEmpty(spaces);
            foreach (var space in spaces)
            {
                var unity = Pose(space["unity"]);
                var there = Pose(space["openxr"]);
                AssertSamePose(there, unity.Mirrored(), (string)space["name"]);
                AssertSamePose(unity, there.Mirrored(), (string)space["name"]);
            }
        }

        private static WirePose Pose(object numbers)
        {
            var pose = ((IEnumerable<object>)numbers).Select(Convert.ToSingle).ToList();
            return new WirePose(pose[0], pose[1], pose[2], pose[3], pose[4], pose[5], pose[6]);
        }

        /// <summary>A quaternion and its negative are the same orientation.</summary>
        private static void AssertSamePose(WirePose wanted, WirePose got, string name)
        {
            var dot = (wanted.Qx * got.Qx) + (wanted.Qy * got.Qy) + (wanted.Qz * got.Qz) + (wanted.Qw * got.Qw);
            Assert.AreEqual(1.0, Math.Abs(dot), 1e-6, name);
            Assert.AreEqual(wanted.X, got.X, 1e-6, name);
            Assert.AreEqual(wanted.Y, got.Y, 1e-6, name);
            Assert.AreEqual(wanted.Z, got.Z, 1e-6, name);
        }

        /// <summary>A message as generic values, which the reader alone has read.</summary>
        private static object Canonical(byte[] bytes)
        {
            var reader = new MsgPackReader();
            reader.Begin(bytes, 0, bytes.Length);
            var value = Tree.Read(reader);
            Assert.IsTrue(reader.AtEnd);
            return value;
        }

        /// <summary>Holds all that was read against what it means; what a message leaves out is at its default there.</summary>
        private static void AssertSame(object read, object meaning, string path)
        {
            if (meaning is IDictionary<string, object> && read is byte[])
            {
                CollectionAssert.AreEqual(Vectors.Hex(meaning), (byte[])read, path);
            }
            else if (meaning is IDictionary<string, object>)
            {
                var wanted = (IDictionary<string, object>)meaning;
                foreach (var pair in (IDictionary<string, object>)read)
                {
                    if (wanted.ContainsKey(pair.Key))
                    {
                        AssertSame(pair.Value, wanted[pair.Key], path + "." + pair.Key);
                    }
                }
            }
            else if (meaning is IEnumerable<object>)
            {
                var wanted = ((IEnumerable<object>)meaning).ToList();
                var got = ((IEnumerable<object>)read).ToList();
                Assert.AreEqual(wanted.Count, got.Count, path);
                for (var i = 0; i < got.Count; i++)
                {
                    AssertSame(got[i], wanted[i], path + "[" + i + "]");
                }
            }
            else if (meaning is double || meaning is long)
            {
                Assert.AreEqual(Convert.ToDouble(meaning), Convert.ToDouble(read), 1e-6, path);
            }
            else
            {
                Assert.AreEqual(meaning, read, path);
            }
        }
    }
}
