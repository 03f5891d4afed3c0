using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace Genlock.Tests
{
    /// <summary>The codec at the boundaries of msgpack's formats.</summary>
    public sealed class MsgPackTests
    {
        [TestCase(0L, "00")]
        [TestCase(127L, "7F")]
        [TestCase(128L, "CC-80")]
        [TestCase(255L, "CC-FF")]
        [TestCase(256L, "CD-01-00")]
        [TestCase(65535L, "CD-FF-FF")]
        [TestCase(65536L, "CE-00-01-00-00")]
        [TestCase(4294967295L, "CE-FF-FF-FF-FF")]
        [TestCase(4294967296L, "CF-00-00-00-01-00-00-00-00")]
        [TestCase(long.MaxValue, "CF-7F-FF-FF-FF-FF-FF-FF-FF")]
        [TestCase(-1L, "FF")]
        [TestCase(-32L, "E0")]
        [TestCase(-33L, "D0-DF")]
        [TestCase(-128L, "D0-80")]
        [TestCase(-129L, "D1-FF-7F")]
        [TestCase(-32768L, "D1-80-00")]
        [TestCase(-32769L, "D2-FF-FF-7F-FF")]
        [TestCase(-2147483648L, "D2-80-00-00-00")]
        [TestCase(-2147483649L, "D3-FF-FF-FF-FF-7F-FF-FF-FF")]
        [TestCase(long.MinValue, "D3-80-00-00-00-00-00-00-00")]
        public void IntegersAreLaidInTheSmallestFormatAndReadBack(long value, string bytes)
        {
            Assert.AreEqual(bytes, Laid(writer => writer.Int(value)));
            Assert.AreEqual(value, Reader(bytes).Int());
            Assert.AreEqual((double)value, Reader(bytes).Float());
        }

        [TestCase("D0-7F", 127L)]
        [TestCase("D1-00-7F", 127L)]
        [TestCase("D2-00-00-00-7F", 127L)]
        [TestCase("D3-00-00-00-00-00-00-00-7F", 127L)]
        [TestCase("CC-01", 1L)]
        [TestCase("CD-00-01", 1L)]
        [TestCase("CE-00-00-00-01", 1L)]
        [TestCase("CF-00-00-00-00-00-00-00-01", 1L)]
        public void IntegersInALargerFormatThanNeededAreRead(string bytes, long value)
        {
            Assert.AreEqual(value, Reader(bytes).Int());
        }

        [Test]
        public void AnIntegerBeyond63BitsIsRefusedWhereItIsWantedAndSkippedElsewhere()
        {
            Assert.Throws<MsgPackException>(() => Reader("CF-80-00-00-00-00-00-00-00").Int());
            var reader = Reader("CF-FF-FF-FF-FF-FF-FF-FF-FF");
            reader.Skip();
            Assert.IsTrue(reader.AtEnd);
        }

        [TestCase(0, "A")]
        [TestCase(31, "B")]
        [TestCase(32, "D9-20")]
        [TestCase(255, "D9-FF")]
        [TestCase(256, "DA-01-00")]
        [TestCase(65535, "DA-FF-FF")]
        [TestCase(65536, "DB-00-01-00-00")]
        public void StringsOfAllLengthsAreLaidAndReadBack(int length, string head)
        {
            var text = new string('x', length);
            var bytes = Laid(writer => writer.String(text));
            Assert.IsTrue(bytes.StartsWith(head), bytes.Substring(0, Math.Min(20, bytes.Length)));
            Assert.AreEqual(text, Reader(bytes).String());
        }

        [TestCase("wie spät")]
        [TestCase("今日はいい天気")]
        [TestCase("\U0001F44D\U0001F3FD")]
        [TestCase("\0\u0001")]
        public void TextOfAllScriptsIsReadBack(string text)
        {
            Assert.AreEqual(text, Reader(Laid(writer => writer.String(text))).String());
        }

        [TestCase(0, "C4-00")]
        [TestCase(255, "C4-FF")]
        [TestCase(256, "C5-01-00")]
        [TestCase(65535, "C5-FF-FF")]
        [TestCase(65536, "C6-00-01-00-00")]
        public void BytesOfAllLengthsAreLaidAndReadBack(int length, string head)
        {
            var value = Enumerable.Range(0, length).Select(i => (byte)(7 * i)).ToArray();
            var bytes = Laid(writer => writer.Binary(value, 0, length));
            Assert.IsTrue(bytes.StartsWith(head));
            CollectionAssert.AreEqual(value, Reader(bytes).Binary());
        }

        [TestCase(0, "90")]
        [TestCase(15, "9F")]
        [TestCase(16, "DC-00-10")]
        [TestCase(65535, "DC-FF-FF")]
        [TestCase(65536, "DD-00-01-00-00")]
        public void ArraysOfAllLengthsAreLaidAndReadBack(int length, string head)
        {
            var list = Enumerable.Range(0, length).Select(i => (object)(long)i).ToList();
            var bytes = Laid(writer => Tree.Write(writer, list));
            Assert.IsTrue(bytes.StartsWith(head));
            CollectionAssert.AreEqual(list, (List<object>)Tree.Read(Reader(bytes)));
        }

        [TestCase(0, "80")]
        [TestCase(15, "8F")]
        [TestCase(16, "DE-00-10")]
        [TestCase(65535, "DE-FF-FF")]
        [TestCase(65536, "DF-00-01-00-00")]
        public void MapsOfAllLengthsAreLaidAndReadBack(int length, string head)
        {
            var map = Enumerable.Range(0, length).ToDictionary(i => "k" + i, i => (object)(long)i);
            var bytes = Laid(writer => Tree.Write(writer, map));
            Assert.IsTrue(bytes.StartsWith(head));
            var read = (Dictionary<string, object>)Tree.Read(Reader(bytes));
            Assert.AreEqual(length, read.Count);
            Assert.IsTrue(map.All(pair => pair.Value.Equals(read[pair.Key])));
        }

        [Test]
        public void FloatsAreLaidAs64BitsAndReadFromBoth()
        {
            Assert.AreEqual("CB-3F-F8-00-00-00-00-00-00", Laid(writer => writer.Float(1.5)));
            Assert.AreEqual(1.5, Reader("CB-3F-F8-00-00-00-00-00-00").Float());
            Assert.AreEqual(1.5, Reader("CA-3F-C0-00-00").Float());
            Assert.AreEqual(double.NegativeInfinity, Reader("CA-FF-80-00-00").Float());
            Assert.IsNaN(Reader("CA-7F-C0-00-00").Float());
        }

        [Test]
        public void BooleansAndNilAreLaidAndReadBack()
        {
            Assert.AreEqual("C2", Laid(writer => writer.Bool(false)));
            Assert.AreEqual("C3", Laid(writer => writer.Bool(true)));
            Assert.AreEqual("C0", Laid(writer => writer.Nil()));
            Assert.IsTrue(Reader("C3").Bool());
            Assert.IsFalse(Reader("C2").Bool());
            Reader("C0").Nil();
        }

        [TestCase("D4-01-00")]
        [TestCase("D5-01-00-00")]
        [TestCase("D6-01-00-00-00-00")]
        [TestCase("D7-01-00-00-00-00-00-00-00-00")]
        [TestCase("D8-01-00-00-00-00-00-00-00-00-00-00-00-00-00-00-00-00")]
        [TestCase("C7-01-05-00")]
        [TestCase("C8-00-01-05-00")]
        [TestCase("C9-00-00-00-01-05-00")]
        public void ExtensionsAreSkippedWhole(string bytes)
        {
            var reader = Reader(bytes + "-2A");
            Assert.AreEqual(MsgPackType.Extension, reader.Peek());
            reader.Skip();
            Assert.AreEqual(42, reader.Int());
        }

        [TestCase("")]
        [TestCase("C1")]
        [TestCase("A5-61")]
        [TestCase("D9-05-61")]
        [TestCase("DB-FF-FF-FF-FF")]
        [TestCase("C6-7F-FF-FF-FF-00")]
        [TestCase("DD-7F-FF-FF-FF-00")]
        [TestCase("DF-7F-FF-FF-FF-00")]
        [TestCase("CF-00-00")]
        [TestCase("C7-05-01-00")]
        public void WhatIsCutShortIsRefusedAndNoMemoryIsTakenForIt(string bytes)
        {
            Assert.Throws<MsgPackException>(() => Reader(bytes).Skip());
        }

        [Test]
        public void StringsThatAreNotUtf8AreRefused()
        {
            Assert.Throws<MsgPackException>(() => Reader("A2-C3-28").String());
        }

        [Test]
        public void TooMuchInsideEachOtherIsRefused()
        {
            var nested = string.Join("-", Enumerable.Repeat("91", 100).Concat(new[] { "00" }).ToArray());
            Assert.Throws<MsgPackException>(() => Reader(nested).Skip());
        }

        [Test]
        public void AnotherTypeThanExpectedIsNamed()
        {
            var problem = Assert.Throws<MsgPackException>(() => Reader("A1-61").Int());
            Assert.AreEqual("an integer was expected, String is there", problem.Message);
        }

        private static string Laid(Action<MsgPackWriter> lay)
        {
            var writer = new MsgPackWriter();
            lay(writer);
            return BitConverter.ToString(writer.ToArray());
        }

        private static MsgPackReader Reader(string bytes)
        {
            var raw = bytes.Length == 0
                ? new byte[0]
                : bytes.Split('-').Select(pair => Convert.ToByte(pair, 16)).ToArray();
            var reader = new MsgPackReader();
            reader.Begin(raw, 0, raw.Length);
            return reader;
        }
    }
}
