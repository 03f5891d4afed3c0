using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;
using UnityEngine;
using UnityEngine.Android;

namespace Genlock.Tests
{
    /// <summary>The microphone where the user has to let the app use it.</summary>
    public sealed class PermissionTests
    {
        private readonly List<string> _told = new List<string>();

        [SetUp]
        public void Ask()
        {
            var origin = new GameObject("XR Origin");
            origin.SetActive(false);
            origin.AddComponent<GenlockClient>().ConnectOnEnable = false;
            origin.AddComponent<GenlockMicrophone>().OnTrouble.AddListener(_told.Add);
            origin.SetActive(true);
            Assert.AreEqual("asked for " + Permission.Microphone, Engine.Log.Last());
        }

        [TearDown]
        public void Clear()
        {
            Engine.Clear();
            _told.Clear();
        }

        [Test]
        public void AfterADenialItIsLookedForOnceASecond()
        {
            Engine.Asked.Deny(Permission.Microphone);
            var before = Engine.PermissionLooks;
            for (var i = 0; i < 1000; i++)
            {
                Engine.Tick(0.01);
            }
            Assert.That(Engine.PermissionLooks - before, Is.InRange(9, 11));
            StringAssert.Contains("does not let the app", _told.Single());
            Engine.Features[Permission.Microphone] = true;
            Engine.Tick(1.0);
            Assert.IsTrue(Engine.Recording);
        }

        [Test]
        public void WhatWasGrantedInTheSettingsIsSeenWhenTheAppWakes()
        {
            Engine.Asked.Deny(Permission.Microphone);
            Engine.Tick(0.01);
            Engine.Pause(true);
            Engine.Features[Permission.Microphone] = true;
            Engine.Pause(false);
            Engine.Tick(0.01);
            Assert.IsTrue(Engine.Recording);
        }
    }
}
